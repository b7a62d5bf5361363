"""From a camera's address to a forwarded face and a tuned threshold; the camera has a login."""

import errno
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager

import cv2
import numpy as np
import pytest

from edge.__main__ import EXIT_FAILED, EXIT_USAGE, main
from edge.commands import init
from edge.commissioning.taken_back import taken_back_on_error
from edge.config.credentials import read_secret
from edge.config.delivery import DirectorySinkSettings, HttpSinkSettings
from edge.config.file import read_config
from edge.errors import SinkError
from tests.documents import blocks
from tests.edge.face_server import serving
from tests.edge.pseudo_terminal import PseudoTerminal
from tests.edge.recordings import SIZE, people, write_walk
from tests.edge.rtsp import RtspCamera
from tests.edge.running_gate import ROOT
from tests.edge.watching import until

pytestmark = pytest.mark.registry

LOGIN = "admin:hunter2"


@pytest.fixture(scope="module")
def camera(tmp_path_factory):
    """A camera with a login, before which seven people walk by, over and over."""
    folder = tmp_path_factory.mktemp("people")
    number = 0
    for pixels in people(count=7, shots=1).values():
        walk = [cv2.convertScaleAbs(pixels, alpha=1 - step / 40) for step in range(14)]
        for frame in (*walk, *[np.full_like(pixels, 128)] * 16):
            cv2.imwrite(str(folder / f"{number:04d}.jpg"), frame)
            number += 1
    server = RtspCamera(*SIZE, pictures=str(folder / "%04d.jpg"), login=LOGIN)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def site(tmp_path, default_pair):
    (tmp_path / "pairs").mkdir()
    shutil.copytree(default_pair, tmp_path / "pairs" / "mobilefacenet512")
    return tmp_path


ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "OMP_NUM_THREADS": "1",
    "TERM": "dumb",
    "COLUMNS": "200",
}


@contextmanager
def terminal(site, *words):
    program = [sys.executable, "-m", "edge", "init", *words]
    with PseudoTerminal(program, site, ENVIRONMENT) as opened:
        yield opened


def watched_faces(site):
    """Return how many faces were seen while a threshold is tuned."""
    log = site / "tuning" / "shadow.sqlite"
    if not log.exists():
        return 0
    with closing(sqlite3.connect(f"file:{log}?mode=ro", uri=True)) as database:
        try:
            return database.execute("SELECT count(*) FROM faces").fetchone()[0]
        except sqlite3.OperationalError:  # it is just being made
            return 0


@pytest.fixture(scope="module")
def commissioned(tmp_path_factory, camera, default_pair):
    """The folder and the transcript of somebody who typed the address, and everything else."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(default_pair, site / "pairs" / "mobilefacenet512")
    address = camera.uri.removeprefix("rtsp://")
    with terminal(site, address, "--name", "door") as shown:
        for password in ("wrong", "hunter2"):
            shown.shows("user: ")
            shown.types("admin")
            shown.shows("password: ")
            shown.types(password)
        assert f"rtsp://{address} shows a picture" in shown.shows("(Y/n): ")
        shown.types("y")
        assert "1 face found, see door-first.jpg" in shown.shows("[faces]: ")
        shown.types("")
        assert "ok       camera door" in shown.shows("(y/N): ")
        shown.types("y")
        shown.shows("door: face of score ")
        shown.shows("forwarded to directory")
        shown.interrupts()
        shown.shows("later): ")
        shown.types("0.5")
        until(lambda: watched_faces(site) > 65)
        shown.interrupts()
        assert shown.ends() == 0
    return site, shown.transcript


def test_somebody_at_a_terminal_is_asked_for_the_login_and_told_when_it_is_wrong(commissioned):
    site, transcript = commissioned
    assert "hunter2" not in transcript
    assert "it asks for a login" in transcript
    assert "the camera refuses the login (401)" in transcript
    assert (site / "secrets" / "login-door").read_text() == f"{LOGIN}\n"
    assert (site / "secrets" / "login-door").stat().st_mode & 0o777 == 0o600


def test_somebody_at_a_terminal_gets_a_forwarded_face_and_a_tuned_threshold(commissioned):
    site, _ = commissioned
    config = read_config(site / "gate.yaml").config
    assert config.gate.threshold != 30
    assert config.delivery.outbox is not None
    assert config.page.history == site / "history.sqlite"
    assert config.mode == "best_shot"
    picture = cv2.imread(str(site / "door-first.jpg"))
    assert picture is not None
    assert picture.shape[:2] == SIZE[::-1]
    assert len(list((site / "faces").glob("*.png"))) >= 1
    assert "# user:password, mode 0600" in (site / "gate.yaml").read_text()
    assert not list(site.glob(".gate-watching*"))


FIGURE = re.compile(r"[0-9a-f]{12,}|\d+(\.\d+)?")
LATER = ("obtaining ", "building takes ", "last minute: ", "$ edge-gate init ", "run forwards")
"""Said where no pair is there yet, after a minute, by the shell; or as often as people came."""


def said(text):
    """Return the lines of a transcript with neither figures nor what was typed nor folders."""
    for line in text.splitlines():
        bare = re.sub(r"(?<=[ :])/\S+/(?=pairs|faces)", "…/", line.removeprefix("^C")).rstrip()
        if bare and not any(words in bare for words in LATER):
            yield FIGURE.sub("#", re.sub(r": (admin|y|0\.5)$", ":", bare))


def test_the_transcript_of_the_page_is_what_is_said(commissioned):
    (shown,) = (each for each in blocks() if each.page.name == "first-hour.md" and not each.marks)
    now = " ".join(" ".join(said(commissioned[1])).split())  # a dumb terminal breaks lines
    lines = (" ".join(line.split()) for line in said(shown.text))
    assert [line for line in lines if line not in now] == []


def test_a_script_answers_by_flags_and_is_asked_nothing(site, camera):
    (site / "given").write_text(LOGIN)
    with serving() as server:
        words = [camera.uri, "--name", "door", "--login-file", "given", "--sink", server.url]
        done = subprocess.run(
            [sys.executable, "-m", "edge", "init", *words, "--no-run"],
            cwd=site,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (posted,) = server.posted
    assert json.loads(posted.part("record")[1])["test"] is True
    assert "next: edge-gate run gate.yaml" in done.stdout
    (source,) = read_config(site / "gate.yaml").config.sources
    assert source.login is not None
    assert (source.name, source.login.name) == ("door", "login-door")


def test_without_a_terminal_a_missing_login_names_its_flag(site, camera, capsys, monkeypatch):
    monkeypatch.chdir(site)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(["init", camera.uri, "--yes"]) == EXIT_USAGE
    assert "--login-file FILE" in capsys.readouterr().err
    assert not (site / "gate.yaml").exists()


def test_a_login_that_is_refused_is_kept_nowhere(site, camera, capsys, monkeypatch):
    monkeypatch.chdir(site)
    (site / "given").write_text("admin:wrong")
    words = ["init", camera.uri, "--name", "door", "--login-file", "given", "--yes"]
    assert main(words) == EXIT_FAILED
    assert "the camera refuses the login (401)" in capsys.readouterr().err
    assert not (site / "secrets").exists()


def test_secrets_of_a_written_configuration_stay_though_it_cannot_be_told(site, monkeypatch):
    def say(words):
        if words.endswith("is written"):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.chdir(site)
    monkeypatch.setattr(init, "say", say)
    write_walk(site / "walk.mp4", people(count=1, shots=1).values())
    (site / "given").write_text("hunter2")
    words = ["init", "walk.mp4", "--yes", "--sink", "https://hub.example/in"]
    assert main([*words, "--sink-secret", "given", "--no-run"]) == EXIT_FAILED
    (sink,) = read_config(site / "gate.yaml").config.sinks
    assert isinstance(sink, HttpSinkSettings)
    assert sink.token is not None
    assert read_secret(sink.token) == "hunter2"


def test_a_name_that_cannot_be_is_a_usage_error(site, camera, capsys, monkeypatch):
    monkeypatch.chdir(site)
    assert main(["init", camera.uri, "--name", "front door", "--yes"]) == EXIT_USAGE
    assert "--name front door" in capsys.readouterr().err


def test_nothing_is_overwritten(site, capsys, monkeypatch):
    monkeypatch.chdir(site)
    (site / "gate.yaml").write_text("mine")
    assert main(["init", "rtsp://127.0.0.1:1/", "--yes"]) == EXIT_USAGE
    assert "nothing is overwritten: name another with --out" in capsys.readouterr().err
    assert (site / "gate.yaml").read_text() == "mine"


def test_a_camera_that_is_not_there_is_told_with_all_that_was_tried(site, capsys, monkeypatch):
    monkeypatch.chdir(site)
    assert main(["init", "127.0.0.1:1/cam", "--yes"]) == 1
    error = capsys.readouterr().err
    assert "rtsp://127.0.0.1:1/cam cannot be opened" in error
    assert "http://127.0.0.1:1/cam cannot be opened" in error
    assert not (site / "gate.yaml").exists()


def test_a_folder_is_as_good_as_a_camera_and_is_tuned_by_its_own_footage(site, monkeypatch, capsys):
    monkeypatch.chdir(site)
    (site / "recordings").mkdir()
    frames = list(people(count=6, shots=1).values())
    write_walk(site / "recordings" / "door.mp4", frames)
    words = ["init", "recordings", "--name", "door", "--yes", "--run", "--tune", "0.5"]
    assert main(words) == 0
    told = capsys.readouterr()
    assert "+  threshold: " in told.out
    assert "6 forwarded" in told.err
    assert read_config(site / "gate.yaml").config.gate.threshold != 30


def test_a_recording_beside_the_folder_is_said_and_written_as_it_was_given(
    site, monkeypatch, capsys
):
    (site / "rec").mkdir()
    write_walk(site / "rec" / "x.mkv", people(count=1, shots=1).values())
    (site / "pairs").rename(site / "rec" / "pairs")
    (site / "gate").mkdir()
    monkeypatch.chdir(site / "gate")
    words = ["init", "../rec/x.mkv", "--pair", "../rec/pairs/mobilefacenet512", "--yes"]
    assert main([*words, "--no-run"]) == 0
    told = capsys.readouterr().out
    assert "trying ../rec/x.mkv …" in told
    assert "  ../rec/x.mkv: a picture of " in told
    assert f" {site}/rec/x.mkv: one frame" in told
    text = (site / "gate" / "gate.yaml").read_text()
    assert 'uri: "../rec/x.mkv"' in text
    assert 'pair: "../rec/pairs/mobilefacenet512"' in text
    (source,) = read_config(site / "gate" / "gate.yaml").config.sources
    assert source.uri.path == site / "rec" / "x.mkv"


def test_an_interrupted_init_says_so_and_leaves_no_configuration(site, camera):
    with terminal(site, camera.uri) as shown:
        shown.shows("user: ")
        assert shown.ends_when_interrupted() == 128 + signal.SIGINT
    assert not (site / "gate.yaml").exists()


def test_an_interrupted_init_leaves_no_picture_of_those_before_the_camera(site):
    write_walk(site / "walk.mp4", people(count=1, shots=1).values())
    earlier = site / "camera-first.jpg"
    earlier.write_bytes(b"mine")
    with terminal(site, "walk.mp4") as shown:
        assert "1 face found, see camera-first-2.jpg" in shown.shows("[faces]: ")
        assert (site / "camera-first-2.jpg").exists()
        assert shown.ends_when_interrupted() == 128 + signal.SIGINT
    assert [path.name for path in site.glob("*.jpg")] == [earlier.name]
    assert earlier.read_bytes() == b"mine"


def test_nothing_is_written_into_the_footage_of_which_it_would_become_a_part(
    site, monkeypatch, capsys
):
    (site / "walks").mkdir()
    write_walk(site / "walks" / "walk.mp4", people(count=1, shots=1).values())
    monkeypatch.chdir(site / "walks")
    assert main(["init", ".", "--pair", "../pairs/mobilefacenet512", "--yes"]) == EXIT_USAGE
    assert "name a place outside: --out ../gate.yaml" in capsys.readouterr().err
    assert [path.name for path in (site / "walks").iterdir()] == ["walk.mp4"]
    words = ["init", ".", "--pair", "../pairs/mobilefacenet512", "--yes", "--no-run"]
    assert main([*words, "--out", "../gate.yaml"]) == 0
    (sink,) = read_config(site / "gate.yaml").config.sinks
    assert isinstance(sink, DirectorySinkSettings)
    assert sink.path == site / "faces"


@pytest.mark.parametrize("sink", ["faces", "http://10.0.0.1/plain"])
def test_a_folder_that_is_not_there_is_made_and_goes_again_with_a_failure(site, sink, monkeypatch):
    recordings = site / "recordings"
    recordings.mkdir()
    write_walk(recordings / "walk.mp4", list(people(count=1, shots=1).values()))
    monkeypatch.chdir(site)
    words = ["--out", "new/er/gate.yaml", "--sink", sink, "--yes", "--no-run"]
    code = main(["init", "recordings", *words])
    assert (code == 0) == (site / "new/er/gate.yaml").exists() == (site / "new").exists()
    assert (code == 0) == (sink == "faces")


def test_a_file_that_cannot_be_deleted_hides_no_error(tmp_path):
    with pytest.raises(SinkError, match="the disk"), taken_back_on_error([tmp_path]):
        raise SinkError("the disk")


def test_a_folder_that_takes_no_file_is_told_before_a_camera_is_looked_at(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["init", "rtsp://127.0.0.1:1/", "--out", str(tmp_path / "file" / "g.yaml")]) == 1
    assert f"{tmp_path}/file: no folder to write to" in capsys.readouterr().err


def test_what_would_be_wrong_is_told_before_a_pair_is_built(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "walks").mkdir()
    write_walk(tmp_path / "walks" / "walk.mp4", people(count=1, shots=1).values())
    assert main(["init", "walks", "--sink", "walks/faces", "--yes"]) == EXIT_USAGE
    told = capsys.readouterr()
    assert "sinks[0].path: is in sources[0].uri" in told.err
    assert "building the pair" not in told.out
