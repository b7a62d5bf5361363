"""A network camera in a process of its own: what it does there harms nobody else."""

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.model import Source
from edge.errors import LoginRefusedError, SourceError
from edge.samples import CAMERA_PIXELS, Damaged
from edge.sources.confined import fork_server
from edge.sources.confined.camera import FORKS
from edge.sources.confined.fork_server import Asked, ForkServer
from edge.sources.confined.messages import DAMAGED, READY, failed, heard, picture
from edge.sources.confined.pictures import Place, SharedPictures, created
from edge.sources.confined.process import GSTREAMER_BYTES, MEMORY_BYTES, allowed
from edge.sources.open import frame_source
from tests.edge.cameras import camera_settings
from tests.edge.motion_jpeg import motion_jpeg
from tests.edge.watching import PATIENCE_S

SECRET = "hunter2"
MOST_BYTES = MEMORY_BYTES + 200_000_000
"""Resident in the process of a camera: what it may allocate, and its libraries."""


@pytest.fixture
def pictures():
    descriptor = created()
    yield SharedPictures(descriptor)
    os.close(descriptor)


def test_a_picture_comes_out_as_it_went_in(pictures):
    pixels = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    turned = pixels.transpose(1, 0, 2)  # not in one piece
    first, second = pictures.put(0, pixels), pictures.put(1, turned)
    assert np.array_equal(pictures.copy(first), pixels)
    assert np.array_equal(pictures.copy(second), turned)


@pytest.mark.parametrize(
    "place", [Place(2, 4, 4), Place(-1, 4, 4), Place(0, CAMERA_PIXELS, 2), Place(0, -4, -4)]
)
def test_a_place_that_cannot_be_is_refused(pictures, place):
    with pytest.raises(SourceError, match="does not fit"):
        pictures.copy(place)


def test_memory_that_is_shared_cannot_be_cut_off():
    descriptor = created()
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 0)
    os.close(descriptor)


def test_messages_say_what_was_said():
    assert heard(READY) is None
    assert heard(DAMAGED) == Damaged()
    assert heard(picture(Place(1, 2, 3), 0.5)) == (Place(1, 2, 3), 0.5)
    assert heard(picture(Place(1, 2, 3), float("nan"))) == (Place(1, 2, 3), None)
    with pytest.raises(SourceError, match="no route"):
        heard(failed("no route"))
    with pytest.raises(LoginRefusedError, match="who are you"):
        heard(failed("who are you", "login refused"))


@given(
    st.binary()
    | st.from_regex(rb'\["(picture|failed|login refused|ready)"(,[0-9.\[\]e"-]{1,9}){0,4}\]')
)
def test_whatever_a_process_says_is_understood_or_refused(message):
    with suppress(SourceError):
        assert heard(message) is None or heard(message)


def frames_from(uri, **keys):
    seconds = {"open_timeout": PATIENCE_S, "read_timeout": PATIENCE_S}
    return frame_source(camera_settings(uri, **seconds | keys), print).frames()


def processes(parent):
    """Return the numbers of the processes of cameras that a process has."""
    return [process for server in servers(parent) for process in servers(server)]


def servers(parent):
    """Return the children of a process that serve cameras, or are forked into such."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            status, words = (path / "status").read_text(), (path / "cmdline").read_bytes()
            if f"\nPPid:\t{parent}\n" in status and b"confined" in words:
                found.append(int(path.name))
    return found


@pytest.fixture
def camera():
    with motion_jpeg() as port:
        yield f"http://127.0.0.1:{port}/"


def test_a_process_that_is_killed_ends_its_camera_and_no_other(camera):
    doomed = frames_from(camera)
    next(doomed)
    (process,) = processes(os.getpid())
    other = frames_from(camera)
    next(other)
    os.kill(process, signal.SIGKILL)
    with pytest.raises(SourceError, match="SIGKILL"):
        list(doomed)
    assert len(list(islice(other, 20))) == 20
    other.close()
    assert processes(os.getpid()) == []


def test_a_process_that_hangs_is_ended(camera):
    frames = frames_from(camera, read_timeout=0.2, snapshot_every=0.1)
    next(frames)
    (process,) = processes(os.getpid())
    os.kill(process, signal.SIGSTOP)
    with pytest.raises(SourceError, match="has not answered"):
        list(islice(frames, 10))
    assert processes(os.getpid()) == []


def test_no_command_line_and_no_environment_shows_the_login(camera):
    frames = frames_from(camera.replace("//", f"//admin:{SECRET}@"))
    next(frames)
    (process,) = processes(os.getpid())
    for shown in ("cmdline", "environ"):
        assert SECRET.encode() not in Path(f"/proc/{process}/{shown}").read_bytes()
    frames.close()


def test_the_process_of_a_configured_camera_loads_no_network(camera):
    settings = Source.model_validate({"name": "door", "uri": camera, "max_fps": 5})
    frames = cast("Generator[object]", frame_source(settings, print).frames())
    next(frames)
    (process,) = processes(os.getpid())
    loaded = Path(f"/proc/{process}/maps").read_text()
    frames.close()
    assert "/av/" in loaded
    assert "/onnxruntime/" not in loaded


def test_when_the_server_is_killed_its_cameras_end_and_the_next_has_another_one(camera):
    frames = frames_from(camera)
    next(frames)
    (server,) = servers(os.getpid())
    os.kill(server, signal.SIGKILL)
    with pytest.raises(SourceError, match="SIGKILL"):
        list(frames)  # some still come: its forks are killed when the memory of it is taken down
    assert next(frames_from(camera)).index == 0
    assert server not in servers(os.getpid())


def test_a_server_that_hangs_is_left_to_the_cameras_that_it_has(camera, monkeypatch):
    frames = frames_from(camera)
    next(frames)
    (server,) = servers(os.getpid())
    os.kill(server, signal.SIGSTOP)
    monkeypatch.setattr("edge.sources.confined.camera.START_S", 0.1)
    monkeypatch.setattr("edge.sources.confined.camera.GOODBYE_S", 0.1)
    with pytest.raises(SourceError, match="has not answered"):
        next(frames_from(camera))
    monkeypatch.undo()
    assert next(frames_from(camera)).index == 0
    assert next(frames).index == 1
    os.kill(server, signal.SIGCONT)
    frames.close()
    os.waitpid(server, 0)


def test_for_all_cameras_of_a_server_that_hangs_there_is_one_other(camera, monkeypatch):
    old = [frames_from(camera) for _ in range(2)]
    for frames in old:
        next(frames)
    (server,) = servers(os.getpid())
    os.kill(server, signal.SIGSTOP)
    monkeypatch.setattr("edge.sources.confined.camera.GOODBYE_S", 0.1)
    new = []
    for frames in old:
        frames.close()
        new.append(frames_from(camera))
        next(new[-1])
    assert len(servers(os.getpid())) == 2
    os.kill(server, signal.SIGCONT)
    os.waitpid(server, 0)
    monkeypatch.undo()
    for frames in new:
        frames.close()


def test_the_server_has_one_thread_so_that_its_forks_are_whole(camera):
    next(frames_from(camera))
    (server,) = servers(os.getpid())
    assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1


def test_a_process_holds_nothing_by_which_it_could_end_others(camera):
    one, other = frames_from(camera), frames_from(camera)
    next(one)
    next(other)
    (server,) = servers(os.getpid())
    held = [_sockets(process) for process in (server, *servers(server))]
    assert len(held) == 3
    assert all(held)
    assert len(set().union(*held)) == sum(map(len, held))
    one.close()
    other.close()


def _sockets(process):
    links = [str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir()]
    return {link for link in links if link.startswith("socket:")}


FAILING = """
import os, socket
from multiprocessing.connection import Connection
from edge.sources.confined.camera import FORKS
ours, theirs = socket.socketpair()
fork = FORKS.start(theirs.fileno(), os.memfd_create("too-small"))
Connection(ours.detach()).send_bytes(b"not what a gate sends")
theirs.close()
print(fork.ends_within(60), fork.exit_code)
"""


def test_a_process_that_fails_says_where_and_its_code_is_told():
    done = subprocess.run(
        [sys.executable, "-c", FAILING], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True 1\n"
    assert "Traceback" in done.stderr


def test_a_process_that_cannot_be_forked_is_an_error_of_its_camera(camera, monkeypatch):
    def refused():
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refused)
    asked, theirs = socket.socketpair()
    monkeypatch.setattr(FORKS, "_ready", lambda: asked)
    with theirs, closing(ForkServer(theirs)) as server:
        serving = Thread(target=server.next_fork, daemon=True)
        serving.start()
        with pytest.raises(SourceError, match="no process can be started"):
            next(frames_from(camera))
        asked.close()
        serving.join()


def test_where_no_server_can_be_started_this_is_an_error_of_the_camera_too(camera, monkeypatch):
    def refused(*_):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with monkeypatch.context() as full:
        full.setattr("edge.sources.confined.forks._started", refused)
        full.syspath_prepend("elsewhere")  # so that another server is wanted
        with pytest.raises(SourceError, match="no process can be started"):
            next(frames_from(camera))
    frames = frames_from(camera)
    assert next(frames).index == 0
    frames.close()


def test_a_process_is_told_who_forked_it_and_not_who_adopted_it(monkeypatch):
    told = []
    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(os, "_exit", lambda _: None)
    monkeypatch.setattr(fork_server, "serve_camera", lambda *numbers: told.append(numbers))
    gate, asked = socket.socketpair()
    with gate:
        socket.send_fds(gate, [b"f"], [gate.fileno()] * len(Asked._fields))
        fork_server.main(asked.detach())
    ((parent, *descriptors),) = told
    for descriptor in descriptors:
        os.close(descriptor)
    assert parent == os.getpid()


PARENT = """
import sys
from threading import Event
from tests.edge.sources.test_confined import frames_from
frames = frames_from(sys.argv[1])
next(frames)
print("first", flush=True)
Event().wait()
"""


def test_a_process_goes_with_the_gate_that_is_killed(camera):
    words = [sys.executable, "-c", PARENT, camera]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as gate:
        assert gate.stdout is not None
        assert gate.stdout.readline() == b"first\n"
        (process,) = processes(gate.pid)
        gate.kill()
    pause = Event()
    while Path(f"/proc/{process}/cmdline").exists() and _lives(process):
        pause.wait(0.01)


def _lives(process):
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@contextmanager
def claiming_gigabytes():
    """Answer DESCRIBE with a description of two gigabytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    Thread(target=answer, args=(client,), daemon=True).start()

        def answer(client):
            with client, suppress(OSError):
                while asked := client.recv(65536):
                    number = next(line for line in asked.split(b"\r\n") if line[:5] == b"CSeq:")
                    ok = b"RTSP/1.0 200 OK\r\n" + number + b"\r\n"
                    if asked.startswith(b"OPTIONS"):
                        client.sendall(ok + b"Public: DESCRIBE\r\n\r\n")
                        continue
                    kind = b"Content-Type: application/sdp\r\nContent-Length: 2000000000\r\n\r\n"
                    client.sendall(ok + kind + b"v=0\r\n")
                    for _ in range(20_000):
                        client.sendall(b"a=x:" + b"y" * 100_000 + b"\r\n")

        Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


MEASURED = """
import os, resource, sys
from edge.errors import LoginRefusedError, SourceError
from edge.sources.confined.camera import FORKS
from tests.edge.sources.test_confined import frames_from, servers
try:
    next(frames_from(sys.argv[1], open_timeout=5))
except SourceError as error:
    words = error
gate = next(line.split()[1] for line in open("/proc/self/status") if line[:5] == "VmHWM")
(server,) = servers(os.getpid())
FORKS._forget()
os.waitpid(server, 0)
process = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(1024 * int(gate), 1024 * process, words)
"""


def test_a_description_that_claims_gigabytes_costs_the_gate_nothing():
    with claiming_gigabytes() as port:
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, f"rtsp://127.0.0.1:{port}/"],
            capture_output=True,
            text=True,
            check=True,
        )
    gate, process, words = done.stdout.split(" ", 2)
    assert "cannot be opened" in words
    assert int(gate) < 200_000_000
    assert int(process) < MOST_BYTES


GREEDY = """
from edge.sources.confined.process import limit_memory
limit_memory(50_000_000)
held = bytearray(30_000_000)
try:
    held += bytearray(60_000_000)
except MemoryError:
    print("refused")
"""


def test_where_gstreamer_may_decode_a_process_may_hold_more(monkeypatch):
    def bytes_of(choice, *, is_device):
        monkeypatch.setattr("edge.sources.confined.process.has_device", lambda: is_device)
        return allowed(camera_settings("rtsp://a/1", decoder=choice))

    assert bytes_of("ffmpeg", is_device=True) == MEMORY_BYTES
    assert bytes_of("auto", is_device=False) == MEMORY_BYTES
    more = MEMORY_BYTES + GSTREAMER_BYTES
    assert bytes_of("auto", is_device=True) == bytes_of("gstreamer", is_device=False) == more


def test_a_process_gets_the_memory_that_it_may_have_and_no_more():
    done = subprocess.run(
        [sys.executable, "-c", GREEDY], capture_output=True, text=True, check=True
    )
    assert done.stdout == "refused\n"


def test_a_picture_that_comes_without_its_time_is_no_photograph(camera, monkeypatch):
    def untimed(message):
        said = heard(message)
        return (said[0], None) if isinstance(said, tuple) else said

    monkeypatch.setattr("edge.sources.confined.camera.heard", untimed)
    times = [frame.time_s for frame in islice(frames_from(camera), 3)]
    assert None not in times
    assert times == sorted(set(times))


def test_a_camera_can_be_read_in_the_gate_itself(camera):
    frames = frames_from(camera, isolate=False)
    next(frames)
    assert processes(os.getpid()) == []
