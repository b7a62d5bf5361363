import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from threading import Event

import pytest

from edge.__main__ import main
from tests.edge.running_gate import (
    ENGINES,
    PATIENCE_S,
    ROOT,
    RunningGate,
    kept_keys,
    outbox_keys,
)
from tests.pairs import put_pair
from tests.signing_keys import make_keys

pytestmark = pytest.mark.registry

ENDLESS = "{name: clip, uri: walks.mp4, loop: true, pace: timestamps}"
ONCE = "{name: clip, uri: walks.mp4}"
REST = """\
sinks: [{type: directory, path: faces}]
delivery: {outbox: {path: outbox.sqlite}, backoff: {first: 20ms, at_most: 50ms}}
"""


@pytest.fixture
def configure(tmp_path, material):
    """Write the configuration, and write it again."""
    (tmp_path / "pair").symlink_to(material / "pair")
    (tmp_path / "walks.mp4").symlink_to(material / "walks.mp4")

    def write(source=ENDLESS, more=""):
        path = tmp_path / "gate.yaml"
        path.write_text(f"{ENGINES}sources: [{source}]\n{REST}{more}")
        return path

    return write


def names_of(messages):
    """Return the names of the assignments, without the status, and repeats in a row only once."""
    names = [line.split("=")[0] for text in messages for line in text.splitlines()]
    names = [name for name in names if name not in ("STATUS", "MONOTONIC_USEC")]
    return [name for name, before in zip(names, ["", *names], strict=False) if name != before]


def test_the_service_manager_is_told_each_step_in_order(configure):
    with RunningGate(configure(), warm=False) as gate:
        gate.wait_for("READY=1")
        gate.wait_for("WATCHDOG=1")
        gate.send(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in gate.wait_for("RELOADING=1")
        gate.wait_for("READY=1")
        gate.wait_for("WATCHDOG=1")
        gate.send(signal.SIGTERM)
        gate.wait_for("STOPPING=1")
        names = names_of(gate.messages)
    assert [name for name in names if name != "WATCHDOG"] == [
        "READY",
        "RELOADING",
        "READY",
        "STOPPING",
    ]
    assert names.index("WATCHDOG") > names.index("READY")


def test_a_page_whose_port_is_taken_does_not_stop_a_service_and_comes_when_it_is_free(configure):
    path = configure()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path.write_text(path.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        gate = RunningGate(path)
        with gate:
            assert "in use" in str(gate.wait_for_log("runs without its page")["message"])
            assert "runs without its page" in gate.wait_for("READY=1")
            gate.wait_for_log("forwarded to directory")
            taken.close()
            gate.wait_for_log(f"look at http://127.0.0.1:{port}/")


def test_a_reload_that_is_asked_for_before_the_gate_is_ready_is_done_after(configure):
    with RunningGate(configure(), warm=False) as gate:
        gate.wait_for("STATUS=opening")
        gate.send(signal.SIGHUP)
        gate.wait_for("READY=1")
        gate.wait_for("RELOADING=1")
        assert gate.terminate()[0] == 0


def test_a_worker_that_stands_still_is_not_reported_alive(configure, tmp_path):
    with RunningGate(configure()) as gate:
        gate.wait_for("READY=1")
        gate.wait_until_forwarded(more_than=0)
        outbox = sqlite3.connect(tmp_path / "outbox.sqlite", isolation_level=None)
        with closing(outbox):
            outbox.execute("BEGIN IMMEDIATE")  # the worker waits for the file
            while "WATCHDOG=1" in gate.wait_for("STATUS="):
                pass
        gate.wait_for("WATCHDOG=1")
        code, source, _ = gate.terminate()
    assert (code, source["lost"]) == (0, 0)


def test_sigabrt_of_the_watchdog_leaves_the_stack_of_every_thread(configure):
    if not _aborts_with_stacks(configure()):
        # faulthandler walks the frames of threads that run on, and one may go under its feet
        _abort(configure())


def _aborts_with_stacks(configuration):
    try:
        _abort(configuration)
    except pytest.fail.Exception:
        return False
    return True


def _abort(configuration):
    with RunningGate(configuration, warm=False) as gate:
        gate.wait_for("READY=1")
        gate.wait_until_forwarded(more_than=1)  # no thread imports any more
        gate.send(signal.SIGABRT)
        for part in ("Fatal Python error: Aborted", "worker.py", "sender.py", "supervisor.py"):
            gate.wait_for_log(part)
        assert gate.process.wait(PATIENCE_S) == -signal.SIGABRT


def test_everything_is_accounted_for_after_sigterm(configure, tmp_path):
    with RunningGate(configure()) as gate:
        gate.wait_for("READY=1")
        gate.wait_until_forwarded(more_than=1)
        code, source, sink = gate.terminate()
    assert code == 0
    assert source["waiting"] == source["held"] == 0
    assert source["forwarded"] == sink["queued"] == sink["delivered"]
    assert len(kept_keys(tmp_path / "faces")) == sink["delivered"]


def test_faces_that_were_in_memory_only_at_the_end_are_lost_by_books_log_and_exit_code(configure):
    path = configure()
    nobody = "type: http, url: 'http://127.0.0.1:9/'"  # discard(9): nobody listens
    text = path.read_text().replace("type: directory, path: faces", nobody)
    path.write_text(text.replace("outbox: {path: outbox.sqlite}, ", ""))
    with RunningGate(path) as gate:
        gate.wait_for("READY=1")
        gate.wait_until_forwarded(more_than=1)
        code, source, sink = gate.terminate()
        lost = gate.wait_for_log("lost by this process")["lost"]
    assert code == 1
    assert source["forwarded"] == sink["lost"] == lost > 1
    assert (sink["waiting"], sink["delivered"]) == (0, 0)


@pytest.mark.parametrize("request_", [signal.SIGHUP, signal.SIGUSR1])
def test_a_request_that_comes_at_the_very_end_is_not_the_exit_code(configure, request_):
    with RunningGate(configure()) as gate:
        gate.wait_for("READY=1")
        gate.send(signal.SIGTERM)
        while gate.process.poll() is None:
            gate.send(request_)
            Event().wait(0.001)
        assert gate.process.returncode == 0


def test_a_broken_configuration_is_named_and_changes_nothing(configure):
    with RunningGate(configure()) as gate:
        gate.wait_for("READY=1")
        configure(more="thresholt: 3\n")
        gate.send(signal.SIGHUP)
        gate.wait_for("RELOADING=1")
        complaint = gate.wait_for_log("is kept")
        gate.wait_for("READY=1")
        before = gate.ledgers()[0]["forwarded"]
        assert gate.wait_until_forwarded(more_than=before)
    assert "thresholt: unknown key" in str(complaint["message"])


def test_a_reload_refuses_a_pair_that_nobody_signed_and_the_signed_one_goes_on(
    configure, tmp_path, material
):
    pytest.importorskip("cryptography")
    path, pair = configure(more="engine: {pair_key: key.pub.pem}\n"), tmp_path / "pair"
    pair.unlink()
    shutil.copytree(material / "pair", pair)
    private, _ = make_keys(tmp_path, "key")
    assert main(["pair", "sign", str(pair), "--key", str(private)]) == 0
    with RunningGate(path) as gate:
        gate.wait_for("READY=1")
        shutil.rmtree(pair)
        put_pair(tmp_path)
        gate.send(signal.SIGHUP)
        complaint = gate.wait_for_log("is kept")
        before = gate.ledgers()[0]["forwarded"]
        assert gate.wait_until_forwarded(more_than=before)
    assert f"{pair}: the pair is not signed" in str(complaint["message"])


def test_a_changed_threshold_is_taken_over_without_opening_the_source_anew(configure):
    strict = ENDLESS.replace("}", ", gate: {shift_at_most: 0}}")
    with RunningGate(configure()) as gate:
        gate.wait_for("READY=1")
        gate.wait_until_forwarded(more_than=0)
        configure(strict)
        gate.send(signal.SIGHUP)
        assert gate.wait_for_log("reloaded")["message"] == "reloaded: clip is retuned"
        at_reload = gate.ledgers()[0]
        gate.wait_for_ledger(lambda source: source.get("discarded_low_quality", 0) >= 3)
        code, source, _ = gate.terminate()
    assert code == 0
    passed = [each["forwarded"] - each["best_of_track"] for each in (source, at_reload)]
    assert passed[0] == passed[1]
    assert sum(line["message"] == "clip is starting" for line in gate.log) == 1


def test_faces_accepted_before_kill_9_are_delivered_by_the_next_process(configure, tmp_path):
    path, outbox = configure(), tmp_path / "outbox.sqlite"
    to_a_folder = path.read_text().replace("type: directory", "name: receiver, type: directory")
    nobody = "type: http, url: 'http://127.0.0.1:9/'"  # discard(9): nobody listens
    path.write_text(to_a_folder.replace("type: directory, path: faces", nobody))
    with RunningGate(path) as gate:
        gate.wait_for("READY=1")
        accepted = gate.wait_until_forwarded(more_than=2)
        gate.send(signal.SIGKILL)
        gate.process.wait()
    left = outbox_keys(outbox)
    assert len(left) >= accepted
    path.write_text(to_a_folder)
    with RunningGate(path) as gate:
        gate.wait_for("READY=1")
        gate.wait_until_forwarded(more_than=0)
        code, _, sink = gate.terminate()
    assert code == 0
    assert sink["queued"] == sink["delivered"]
    assert left <= kept_keys(tmp_path / "faces")
    assert outbox_keys(outbox) == set()


def test_a_poisoned_row_is_a_dead_letter_and_every_other_face_is_delivered(configure, tmp_path):
    path, outbox = configure(), tmp_path / "outbox.sqlite"
    to_a_folder = path.read_text().replace("type: directory", "name: receiver, type: directory")
    nobody = "type: http, url: 'http://127.0.0.1:9/'"  # discard(9): nobody listens
    path.write_text(to_a_folder.replace("type: directory, path: faces", nobody))
    with RunningGate(path) as gate:
        gate.wait_for("READY=1")
        gate.wait_until_forwarded(more_than=2)
        gate.terminate()
    content = bytearray(outbox.read_bytes())
    content[content.index(b'"reason":"forwarded"') + 11] ^= 1
    outbox.write_bytes(content)
    left = outbox_keys(outbox)
    path.write_text(to_a_folder)
    with RunningGate(path) as gate:
        gate.wait_for("READY=1")
        gate.wait_for_log("is a dead letter for sink receiver")
        gate.wait_until_forwarded(more_than=0)
        code, _, sink = gate.terminate()
    assert (code, sink["dead"], sink["waiting"], sink["lost"]) == (0, 1, 0, 0)
    assert len(left - kept_keys(tmp_path / "faces")) == 1
    assert outbox_keys(outbox) == left - kept_keys(tmp_path / "faces")


def test_a_service_with_files_ends_with_them_and_sends_what_a_plain_run_sends(configure, tmp_path):
    with RunningGate(configure(ONCE)) as gate:
        assert gate.process.wait(60) == 0
    by_service = kept_keys(tmp_path / "faces")
    path = configure(ONCE)
    path.write_text(path.read_text().replace("path: faces", "path: plain"))
    command = [sys.executable, "-m", "edge", "run", "--config", path]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert by_service == kept_keys(tmp_path / "plain")
    assert len(by_service) == 2  # of two people


def test_a_reload_begins_and_ends_the_shadow_log(configure, tmp_path):
    path = tmp_path / "shadow.sqlite"
    with RunningGate(configure()) as gate:
        gate.wait_for("READY=1")
        configure(more="shadow_log: {path: shadow.sqlite}\n")
        gate.send(signal.SIGHUP)
        assert gate.wait_for_log("reloaded")["message"] == "reloaded: what looks on"
        before = gate.ledgers()[0]["faces"]
        gate.wait_until_forwarded(more_than=gate.ledgers()[0]["forwarded"])
        configure()
        gate.send(signal.SIGHUP)
        gate.wait_for_log("reloaded")
        after = gate.ledgers()[0]["faces"]
        code, _, _ = gate.terminate()
    assert code == 0
    with closing(sqlite3.connect(path)) as database:
        logged = database.execute("SELECT count(*) FROM faces").fetchone()[0]
    assert 0 < logged <= after
    assert before < after


def test_a_wrong_configuration_ends_a_service_with_78(configure):
    with RunningGate(configure(more="thresholt: 3\n"), warm=False) as gate:
        assert gate.process.wait(60) == 78


def test_the_log_of_a_service_is_json(configure):
    with RunningGate(configure(ONCE)) as gate:
        gate.process.wait(60)
        gate.wait_for_log("the ledger balances")
    assert all(json.dumps(line) and "level" in line for line in gate.log)
