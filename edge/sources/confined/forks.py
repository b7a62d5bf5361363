"""How the gate starts and ends the processes of cameras, which `fork_server` forks."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress

from edge.sources.confined.messages import NOT_FORKED

PROGRAM = (
    "import gc; gc.disable(); "
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from edge.sources.confined.fork_server import main; "
    "gc.enable(); gc.freeze(); main(int(sys.argv[2]))"
)
"""What it imports stays for good, and is shared by all that it forks."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


class Fork:
    """The process of a camera; not a child of ours."""

    def __init__(self, life: socket.socket, asked: socket.socket | None) -> None:
        """
        Keep the socket by which it is ended, and heard of.

        Args:
            life: `fork_server` has the other end.
            asked: Through which the server was asked for it; None where there can be none.
        """
        self._life, self.asked = life, asked
        self.exit_code: int | None = None
        """Below zero for a signal; None while it runs."""

    def ends_within(self, seconds: float) -> bool:
        """Return whether it has ended, or will so soon."""
        self._life.settimeout(seconds)
        try:
            told = self._life.recv(100)
        except TimeoutError:
            return False
        except OSError:
            told = b""
        if self.exit_code is None:
            self.exit_code = int(told or -signal.SIGKILL)  # as a server that ends so leaves it
        return True

    def kill(self) -> None:
        """Do not let it end by itself."""
        with suppress(OSError):
            self._life.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Kill it, and hear no more of it."""
        self._life.close()


class Forks:
    """Starts processes of cameras, and first the one that they are forked from."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._left: list[subprocess.Popen[bytes]] = []
        self._control: socket.socket | None = None
        self._path: list[str] = []

    def start(self, channel: int, memory: int) -> Fork:
        """
        Start the process of a camera.

        Args:
            channel: Descriptor of the socket that it talks through.
            memory: Descriptor from `pictures.created`.
        """
        ours, theirs = socket.socketpair()
        control = None
        with self._lock, theirs:
            try:
                control = self._ready()
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.ENOMEM):
                    raise
                theirs.send(str(NOT_FORKED).encode())  # as the server, where it can fork none
            else:
                with suppress(OSError):  # it was killed just now: the channel tells of it
                    socket.send_fds(control, [b"f"], [channel, memory, theirs.fileno()])
        return Fork(ours, control)

    def forget(self, fork: Fork) -> None:
        """
        Ask another server from now on than that of a fork, which ends with the last that it has.

        Args:
            fork: If another is asked already, nothing is changed.
        """
        with self._lock:
            if fork.asked is self._control:
                self._forget()

    def _ready(self) -> socket.socket:
        self._left = [server for server in self._left if server.poll() is None]
        lives = self._server is not None and self._server.poll() is None
        if not lives or self._path != sys.path:
            self._forget()
        if self._control is None:
            self._path = [*sys.path]
            self._control, theirs = socket.socketpair()
            with theirs:
                self._server = _started(theirs.fileno(), self._path)
        return self._control

    def _forget(self) -> None:
        if self._server is not None:
            self._left.append(self._server)
        if self._control is not None:
            self._control.close()
        self._server = self._control = None


def _started(control: int, path: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-I", "-c", PROGRAM, json.dumps(path), str(control)],
        stdin=subprocess.DEVNULL,
        env=os.environ | ONE_THREAD,
        pass_fds=(control,),
        start_new_session=True,  # Ctrl-C is for the gate, which ends its cameras then
    )
