"""
The process that the processes of cameras are forked from: it has imported what they need.

It has one thread, so that a fork of it is whole, and nothing of the gate. For each camera the gate
sends three descriptors: what `edge.sources.confined.process` talks through, the memory it shares,
and a socket by which both hear of its end: the gate gets the exit code there, and when the gate
sends nothing more there, the camera's process is killed. The server ends when nobody can ask it any
more and the last fork is gone. If it is killed, its forks die with it.
"""

import os
import selectors
import signal
import socket
import sys
import traceback
from contextlib import closing, suppress
from typing import NamedTuple

from edge.sources.confined.messages import NOT_FORKED
from edge.sources.confined.process import main as serve_camera


class Asked(NamedTuple):
    """What the gate sends for a camera: descriptors, in this order."""

    channel: int
    memory: int
    life: int


def main(control: int) -> None:
    """
    Fork for whoever asks.

    Args:
        control: Descriptor of the socket through which the gate asks.
    """
    own = os.getpid()  # a fork that asked for its parent could be told who adopted it
    with socket.socket(fileno=control) as gate, closing(ForkServer(gate)) as server:
        asked = server.next_fork()
    if asked is not None:
        _as_camera(own, asked)


def _as_camera(parent: int, asked: Asked) -> None:
    code = 1
    try:
        serve_camera(parent, asked.channel, asked.memory)
        code = 0
    except BaseException:  # noqa: BLE001 -- the end of the process, which says why
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)  # nothing of what it imported is to be taken down


class ForkServer:
    """Who may ask, and the forks that live."""

    def __init__(self, gate: socket.socket) -> None:
        """Listen to the gate, and to the end of forks."""
        self._lives: dict[int, socket.socket] = {}
        self._ended, self._wakes = socket.socketpair()
        self._ended.setblocking(False)
        self._wakes.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakes.fileno())
        self._selector = selectors.PollSelector()  # without a descriptor that forks would share
        self._selector.register(gate, selectors.EVENT_READ)
        self._selector.register(self._ended, selectors.EVENT_READ)
        self._gate: socket.socket | None = gate

    def close(self) -> None:
        """Leave in a fork nothing by which it could hear of others, or end them."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for end in (self._ended, self._wakes, *self._lives.values()):
            end.close()

    def next_fork(self) -> Asked | None:
        """Return in each fork what it is for; in the server itself None, in the end."""
        while self._gate is not None or self._lives:
            for key, _ in self._selector.select():
                if key.fileobj is self._gate:
                    asked = self._answer(self._gate)
                    if asked is not None:
                        return asked
                elif key.fileobj is self._ended:
                    self._reap()
                else:
                    self._kill(key.data, key.fileobj)
        return None

    def _answer(self, gate: socket.socket) -> Asked | None:
        descriptors = _received(gate)
        if descriptors is None:
            self._selector.unregister(gate)
            self._gate = None
            return None
        life = socket.socket(fileno=descriptors.life)
        try:
            pid = os.fork()
        except OSError:  # a limit of processes or of memory
            pid = None
        if pid == 0:
            life.close()
            return descriptors
        os.close(descriptors.channel)
        os.close(descriptors.memory)
        self._keep(pid, life)
        return None

    def _keep(self, pid: int | None, life: socket.socket) -> None:
        if pid is None:
            _tell(life, NOT_FORKED)
        else:
            self._lives[pid] = life
            self._selector.register(life, selectors.EVENT_READ, pid)

    def _kill(self, pid: int, life: object) -> None:
        """Kill a fork that nobody wants, unless it was reaped just now."""
        if pid in self._lives:
            self._selector.unregister(life)  # type: ignore[arg-type]
            os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            self._ended.recv(4096)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                pid, status = ended
                life = self._lives.pop(pid)
                with suppress(KeyError):  # it was to be killed
                    self._selector.unregister(life)
                _tell(life, os.waitstatus_to_exitcode(status))


def _tell(life: socket.socket, code: int) -> None:
    with life, suppress(OSError):  # the gate no longer listens
        life.send(str(code).encode())


def _received(gate: socket.socket) -> Asked | None:
    """Return what the gate asks; None when it asks no more."""
    message, descriptors, *_ = socket.recv_fds(gate, 1, len(Asked._fields), socket.MSG_CMSG_CLOEXEC)
    return Asked(*descriptors) if message else None
