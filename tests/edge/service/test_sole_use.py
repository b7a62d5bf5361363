"""One configuration, two processes: real gates beside each other."""

import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from edge.__main__ import main
from edge.config.file import read_config
from edge.errors import InUseError
from edge.service.sole_use import SoleUse
from tests.edge.running_gate import ENGINES, PATIENCE_S, ROOT, RunningGate

ENDLESS = "{name: clip, uri: walks.mp4, loop: true, pace: timestamps}"
OUTBOX = "delivery: {outbox: {path: state/outbox.sqlite}}\n"
SHADOW_LOG = "shadow_log: {path: state/shadow.sqlite}\n"


class Place:
    """A folder for configurations, with an engine pair and footage."""

    def __init__(self, folder, material):
        self.folder = folder
        for name in ("pair", "walks.mp4"):
            (folder / name).symlink_to(material / name)

    def __call__(self, more, name="gate.yaml", source=ENDLESS):
        path = self.folder / name
        sinks = "sinks: [{type: directory, path: faces}]\n"
        path.write_text(f"{ENGINES}sources: [{source}]\n{sinks}{more}")
        return path


@pytest.fixture
def configure(tmp_path, material):
    return Place(tmp_path, material)


def edge_gate(*words):
    return subprocess.run(
        [sys.executable, "-m", "edge", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.registry
def test_a_gate_that_was_killed_leaves_the_way_free(configure):
    path = configure(OUTBOX + SHADOW_LOG)
    with RunningGate(path) as first:
        first.wait_for("READY=1")
        first.send(signal.SIGKILL)
    with RunningGate(path) as second:
        second.wait_for("READY=1")


@pytest.mark.registry
def test_a_reload_onto_the_files_of_another_gate_changes_nothing(configure):
    other = configure(OUTBOX, "other.yaml")
    own = configure(SHADOW_LOG)
    with RunningGate(own) as gate, RunningGate(other) as holder:
        gate.wait_for("READY=1")
        holder.wait_for("READY=1")
        configure(SHADOW_LOG + OUTBOX)
        gate.send(signal.SIGHUP)
        line = gate.wait_for_log("the configuration before is kept")
        assert "is in use by another gate" in str(line["message"])
        configure(SHADOW_LOG + OUTBOX.replace("state", "own"))
        gate.send(signal.SIGHUP)
        gate.wait_for_log("reloaded: ")


@pytest.fixture
def held(tmp_path):
    """Return how a path is held, and how another process would."""

    def config(folder):
        path = tmp_path / f"{folder}.yaml"
        path.write_text(
            "pair: pair\nsources: [{name: a, uri: b}]\nsinks: [{type: stdout}]\n"
            f"delivery: {{outbox: {{path: {folder}/outbox.sqlite}}}}\n"
        )
        return read_config(path).config

    return config


def test_what_a_new_configuration_does_not_name_is_free_again(held):
    with closing(SoleUse()) as ours, closing(SoleUse()) as theirs:
        ours.take(held("a"))
        ours.take(held("a"))
        ours.take(held("b"))
        with pytest.raises(InUseError):
            theirs.take(held("a"))
        ours.keep(held("b"))
        theirs.take(held("a"))
        with pytest.raises(InUseError):
            theirs.take(held("b"))


def test_a_file_of_two_names_is_one_file(held, tmp_path):
    with closing(SoleUse()) as ours, closing(SoleUse()) as theirs:
        ours.take(held("a"))
        (tmp_path / "b").symlink_to(tmp_path / "a")
        with pytest.raises(InUseError, match=f"process {os.getpid()}"):
            theirs.take(held("b"))


def test_a_folder_that_takes_no_lock_keeps_no_gate_from_running(held, tmp_path, caplog):
    (tmp_path / "a").write_text("no folder")
    with closing(SoleUse()) as ours:
        ours.take(held("a"))
    assert "a second gate would not be noticed" in caplog.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_lock_that_root_makes_is_the_services(held, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "outbox.sqlite").touch()
    os.chown(tmp_path / "a" / "outbox.sqlite", 4321, 4321)
    with closing(SoleUse()) as ours:
        ours.take(held("a"))
        assert (tmp_path / "a" / "outbox.sqlite.lock").stat().st_uid == 4321


@pytest.fixture(scope="module")
def busy(tmp_path_factory, material):
    """A place in which a gate holds an outbox and a shadow log, and that gate."""
    place = Place(tmp_path_factory.mktemp("busy"), material)
    with RunningGate(place(OUTBOX + SHADOW_LOG)) as gate:
        gate.wait_for("READY=1")
        gate.wait_until_forwarded(more_than=0)
        yield place, gate
        assert gate.process.poll() is None


@pytest.mark.registry
@pytest.mark.parametrize(
    ("more", "what"), [(OUTBOX, "outbox"), (SHADOW_LOG, "shadow log"), (OUTBOX + SHADOW_LOG, "")]
)
def test_a_second_gate_by_hand_is_turned_away_and_told_by_whom(busy, more, what):
    configure, gate = busy
    second = edge_gate("run", "--config", configure(more, "second.yaml"))
    assert f"{what} " in second.stderr
    assert f"is in use by another gate, process {gate.process.pid}" in second.stderr
    assert second.returncode == 1  # no mistake of the configuration: later it may run


@pytest.mark.registry
def test_a_run_over_files_does_not_take_the_outbox_of_a_service(busy, capsys):
    configure, _ = busy
    files = configure(OUTBOX, "files.yaml", "{name: clip, uri: walks.mp4}")
    assert main(["run", "--config", str(files)]) == 1
    assert "is in use by another gate" in capsys.readouterr().err


@pytest.mark.registry
@pytest.mark.parametrize(
    "words",
    [
        ("outbox", "status"),
        ("outbox", "requeue", "--sink", "directory"),
        ("purge", "--older-than", "1d"),
        ("check",),
    ],
    ids=" ".join,
)
def test_commands_that_look_in_beside_a_running_gate_still_do(busy, words):
    configure, _ = busy
    assert main([*words, "--config", str(configure.folder / "gate.yaml")]) == 0


@pytest.mark.registry
def test_a_shadow_log_is_tuned_from_while_a_gate_fills_it(busy, tmp_path, capsys):
    configure, _ = busy
    given = ("--config", configure.folder / "gate.yaml", "--out", tmp_path / "tuned")
    main(["tune", str(configure.folder / "state" / "shadow.sqlite"), *map(str, given)])
    assert "in use" not in capsys.readouterr().err


@pytest.mark.registry
def test_the_lock_of_a_running_gate_is_its_users_alone(busy):
    configure, _ = busy
    lock = configure.folder / "state" / "outbox.sqlite.lock"
    assert lock.stat().st_mode & 0o777 == 0o600
