"""The configuration file that `edge-gate init` writes: what one may want to change, commented."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge import __version__
from edge.commissioning.cameras import Camera
from edge.commissioning.receivers import Receiver, quoted, written
from edge.config.model import GateSettings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked and found."""

    pair: Path
    cameras: Sequence[Camera]
    receivers: Sequence[Receiver]


TUNING, LOG = "tuning", "shadow.sqlite"
"""Folder and file of what is seen while a threshold is tuned."""
MODE = "mode: best_shot"


def configuration_text(wanted: Wanted, folder: Path) -> str:
    """
    Return the text of the file.

    Args:
        wanted: What it shall say.
        folder: Of the file; what lies below it is named relative to it.
    """
    return "\n".join((*_lines(wanted, folder), ""))


def observing_text(text: str) -> str:
    """Return a configuration that sends nothing and remembers every face, for tuning."""
    observing = text.replace(MODE, "mode: observe", 1)
    return f"{observing}\nshadow_log: {{path: {TUNING}/{LOG}, keep_for: 7d}}\n"


def _lines(wanted: Wanted, folder: Path) -> Iterator[str]:
    yield f"# Written by 'edge-gate init' {__version__}. All keys: docs/configuration.md, or"
    yield "# 'edge-gate explain'. After a change: 'edge-gate check --connect', then send SIGHUP."
    yield ""
    yield f"pair: {quoted(written(wanted.pair, folder))}   # the networks that score"
    yield ""
    yield "sources:"
    for camera in wanted.cameras:
        yield from _source(camera, folder)
    yield ""
    yield "gate:"
    threshold = f"{GateSettings().threshold:g}"
    yield f"  threshold: {threshold}   # quality score, 0 to 100; higher is stricter"
    yield "                  # ('edge-gate tune' suggests one from what your camera sees)"
    yield ""
    yield f"{MODE}   # the best face of each person walking by; observe: only count"
    yield ""
    yield "sinks:"
    for receiver in wanted.receivers:
        first, *others = receiver.lines
        yield f"  - {first}"
        yield from (f"    {line}" for line in others)
    yield ""
    yield "delivery:"
    yield "  outbox:         # keeps faces until each sink has them: one that is down loses none"
    yield "    path: outbox.sqlite"
    yield ""
    yield "page:"
    yield "  history: history.sqlite   # a week of counts, and your marks; no faces"


def _source(camera: Camera, folder: Path) -> Iterator[str]:
    uri, login = camera.settings.uri, camera.settings.login
    address = written(uri.path, folder) if uri.scheme == "file" else uri.address
    yield f"  - name: {camera.name}"
    yield f"    uri: {quoted(address)}"
    if login is not None and login.file is not None:
        file = quoted(written(login.file, folder))
        yield f"    login: {{name: {login.name}, file: {file}}}   # user:password, mode 0600"
