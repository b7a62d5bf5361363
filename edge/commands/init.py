"""`edge-gate init`: from a camera's address to a configuration that runs."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from edge.commands import check, tune
from edge.commands import run as run_command
from edge.commands.arguments import tune as tune_arguments
from edge.commissioning.cameras import Camera, Trials, given_login
from edge.commissioning.picture import LOOK_S, Pictures, first_faces
from edge.commissioning.questions import Questions, Terminal, Unattended
from edge.commissioning.receivers import FORMS, Receiver, Receivers
from edge.commissioning.secret_files import SecretFiles
from edge.commissioning.taken_back import made_for
from edge.commissioning.written import LOG, TUNING, Wanted, configuration_text, observing_text
from edge.config.file import checked, read_config
from edge.config.model import DetectorSettings
from edge.config.reader import parse_document
from edge.console import console, progress
from edge.delivery.face_output import made_folder
from edge.detection.open import open_detector
from edge.errors import ConfigError, EdgeError, UsageError
from edge.pipeline.trial import frames_of
from edge.printable import say
from engines.amounts import amount
from engines.build.request import build_catalogued
from engines.catalogue.catalogue import find_entry
from engines.errors import PairError
from engines.pair.manifest import read_manifest
from engines.whole_file import write_whole

NETWORK = "mobilefacenet512"
THREADS = 2
TUNE_QUESTION = (
    "\nTune the threshold: watch for a while, send nothing, and let which share of the faces pass, "
    "0 to 1 (empty: later)"
)


def run(arguments: argparse.Namespace) -> int:
    """Ask, try, write, check, and run."""
    out: Path = arguments.out
    if out.exists():
        raise UsageError(f"{out} is there, and nothing is overwritten: name another with --out")
    asks = sys.stdin.isatty() and not arguments.yes
    questions: Questions = Terminal() if asks else Unattended()
    secrets, pictures = SecretFiles(out.parent), Pictures()
    with made_for(out.parent), secrets.needed(), pictures.needed():
        cameras = _cameras(arguments, questions, secrets)
        _stay_out_of_footage(cameras, out)
        _show_faces(cameras, out.parent, pictures)
        receivers = _receivers(arguments, questions, secrets)
        text = _text(Wanted(arguments.pair, cameras, receivers), out)
        _build_pair(arguments.pair)
        _write(text, out)
    say(f"{out} is written")
    code = _check(out)
    return code or _run(arguments, questions, out)


def _cameras(
    arguments: argparse.Namespace, questions: Questions, secrets: SecretFiles
) -> list[Camera]:
    addresses: list[str] = arguments.addresses
    if not addresses:
        addresses = [questions.text("Address of the camera, or a folder", "ADDRESS")]
    login = given_login(arguments.login_file, sys.stdin.read)
    trials = Trials(questions, secrets, say, login)
    names = _names(arguments.name, len(addresses))
    found = []
    for address, name in zip(addresses, names, strict=True):
        camera = trials.camera(address, name)
        height, width = camera.size
        say(f"  {camera.settings.uri}: a picture of {width} x {height} pixels")
        secret = camera.settings.login
        if secret is not None:
            say(f"  the login is kept in {secret.file}, for you alone to read")
        found.append(camera)
    return found


def _names(given: Sequence[str], count: int) -> list[str]:
    if len(given) > count:
        raise UsageError(f"{amount(len(given), 'name')} for {amount(count, 'camera')}")
    usual = ["camera", *(f"camera{number}" for number in range(2, count + 1))]
    return [*given, *usual[len(given) : count]]


def _stay_out_of_footage(cameras: Sequence[Camera], out: Path) -> None:
    """Refuse a folder of recordings as the place of pictures and faces, which are footage there."""
    place = out.parent.resolve()
    for uri in (camera.settings.uri for camera in cameras):
        if not uri.is_live and place.is_relative_to(uri.path.resolve()):
            outside = os.path.relpath(uri.path.resolve().parent / out.name)
            raise UsageError(
                f"{out} is to be in {uri.path}, and the pictures and faces written beside it would "
                f"become footage: name a place outside: --out {outside}"
            )


def _show_faces(cameras: Sequence[Camera], folder: Path, pictures: Pictures) -> None:
    with progress(console()) as bars:
        detector = open_detector(DetectorSettings(), bars)
    for camera in cameras:
        say(f"{camera.name}: looking for a face for up to {LOOK_S:g} s; stand before the camera …")
        pixels, faces = first_faces(frames_of(camera.settings), detector)
        path = pictures.write(pixels, faces, folder / f"{camera.name}-first.jpg")
        say(f"  {amount(len(faces), 'face')} found, see {path}")


def _receivers(
    arguments: argparse.Namespace, questions: Questions, secrets: SecretFiles
) -> list[Receiver]:
    texts: list[str] = arguments.sink
    if not texts:
        beside = str(arguments.out.parent / "faces")
        texts = [questions.text(f"Where shall faces go: {FORMS}", "--sink", beside)]
    file: Path | None = arguments.sink_secret
    secret = None if file is None else _first_line(file)
    folder = arguments.out.parent
    return Receivers(questions, secrets, folder, secret, arguments.plain).of(texts)


def _first_line(file: Path) -> str:
    try:
        return file.read_text("utf-8").partition("\n")[0]
    except (OSError, ValueError) as error:
        raise UsageError(f"--sink-secret {file} cannot be read: {error}") from error


def _build_pair(folder: Path) -> None:
    """Build the pair where there is none; one that is there is taken as it is."""
    try:
        manifest = read_manifest(folder)
    except PairError:
        say(f"obtaining {NETWORK} and building the pair in {folder}; a minute or two, once …")
        with progress(console()) as bars:
            build_catalogued(find_entry(NETWORK), folder, THREADS, bars)
        manifest = read_manifest(folder)
    say(f"engine pair {manifest.pair_id} of {manifest.network.name}")


def _text(wanted: Wanted, out: Path) -> str:
    text = configuration_text(wanted, out.parent)
    try:
        checked(parse_document(text, out))
    except ConfigError as error:
        raise UsageError(f"nothing is written, since this would be wrong:\n{error}") from error
    return text


def _write(text: str, out: Path) -> None:
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise EdgeError(f"{out}: cannot be written: {error.strerror or error}") from error


def _check(out: Path) -> int:
    say(f"\n$ edge-gate check --connect {out}")
    code = check.run(argparse.Namespace(config=out, file=None, prove=True, connect=True))
    if code:
        say(f"correct that in {out}, then: edge-gate check --connect {out}")
    return code


def _run(arguments: argparse.Namespace, questions: Questions, out: Path) -> int:
    command, code = f"edge-gate run {out}", 0
    wanted = arguments.run
    if wanted is None:
        wanted = questions.sure(f"\nRun it now ({command})", "--run", default=False)
    if wanted:
        say(f"\n$ {command}     (Ctrl-C ends it)")
        code = run_command.run(argparse.Namespace(config=out, file=None, log=None))
    share = arguments.tune
    if share is None and wanted and not code:
        share = questions.text(TUNE_QUESTION, "--tune SHARE", "")
    if share and not code:
        code = _tune(out, str(share))
    say(f"\nnext: {command}; as a service: docs/service.md; another threshold: docs/tune.md")
    return code


def _tune(out: Path, share: str) -> int:
    """Watch for a while if there are cameras, and write the threshold into the configuration."""
    reports, footage = out.parent / TUNING, []
    if any(source.uri.is_live for source in read_config(out).config.sources):
        say("\nwatching, and sending nothing; Ctrl-C when enough people have walked by")
        code = _observe(out)
        if code:
            return code
        footage = [str(reports / LOG)]
    goal = ["--forward-rate", share, "--out", str(reports), "--write"]
    words = [*footage, "--config", str(out), *goal]
    say(f"\n$ edge-gate tune {' '.join(words)}")
    parser = argparse.ArgumentParser(exit_on_error=False)
    tune_arguments.add_arguments(parser)
    try:
        asked = parser.parse_args(words)
    except argparse.ArgumentError as error:
        raise UsageError(str(error)) from error
    return tune.run(asked)


def _observe(out: Path) -> int:
    """Run a copy of the configuration that remembers faces and sends none, until Ctrl-C."""
    made_folder(out.parent / TUNING)
    watching = out.with_name(f".{out.stem}-watching-{os.getpid()}.yaml")
    write_whole(watching, observing_text(out.read_text("utf-8")).encode())
    try:
        return run_command.run(argparse.Namespace(config=watching, file=None, log=None))
    finally:
        watching.unlink()
