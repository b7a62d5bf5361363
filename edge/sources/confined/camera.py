"""
A network camera in a process of its own, so that none can take the gate down.

Not a fork: the gate has threads and a GPU, of which a copy is worth nothing. Each opening starts a
process; `docs/measured.md` has what that costs.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from edge.config.source import SourceSettings
from edge.config.uri import SourceUri
from edge.errors import SourceError
from edge.samples import Damaged, Frame, Passed
from edge.sources.clock import stamped
from edge.sources.confined.messages import LONGEST, START_S, heard
from edge.sources.confined.pictures import SharedPictures, created
from edge.sources.decoding.demand import Demand
from edge.sources.network.camera_tls import tls_options

PROGRAM = (
    "import gc; gc.disable(); "
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from edge.sources.confined.process import main; "
    "gc.enable(); gc.freeze(); main(*map(int, sys.argv[2:]))"
)
"""What it imports stays for good: a quarter of its start went to look for garbage in that."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
STUCK = 2.5
"""Times its own timeout, after which the process is ended: a read may take twice the timeout."""
GOODBYE_S = 1.0
"""For the process to tell the camera that the session is over."""


class ConfinedCamera:
    """Opens a camera as `NetworkCamera` does, in another process with a limit of memory."""

    def __init__(
        self,
        settings: SourceSettings,
        address: Callable[[], SourceUri],
        demand: Demand | None = None,
    ) -> None:
        """
        Keep the settings; nothing is started yet.

        Args:
            settings: Of a source with one of the schemes rtsp(s), http(s).
            address: Returns the address, with the login as it is at that moment.
            demand: Which pictures are wanted; all, if not given.

        Raises:
            ConfigError: The file of certificate authorities cannot be used.
        """
        tls_options(settings)
        self._settings, self._address = settings, address
        self._demand = demand or Demand()

    def frames(self) -> Iterator[Frame | Damaged | Passed]:
        """
        Yield fresh frames; take them in the thread that took the first one.

        The process dies with that thread.

        Raises:
            LoginRefusedError: It knows nobody by this login.
            SourceError: The camera cannot be reached, ended, gave no whole frame in time, or its
                process was ended.
            ConfigError: Its login cannot be read.
        """
        uri = self._address()
        memory = created()
        try:
            pictures = SharedPictures(memory)
            with self._demand.told_in(pictures.due), _process(memory) as (process, channel):
                with suppress(OSError):
                    channel.send((_alone(self._settings), uri))
                yield from self._received(uri, process, channel, pictures)
        finally:
            os.close(memory)

    def _received(
        self,
        uri: SourceUri,
        process: "subprocess.Popen[bytes]",
        channel: Connection,
        pictures: SharedPictures,
    ) -> Iterator[Frame | Damaged | Passed]:
        index, since_s = 0, time.monotonic()
        for seconds in self._patience():
            message = _message(uri, process, channel, seconds)
            said = heard(message)
            if isinstance(said, Damaged | Passed):
                yield said
            elif said is not None:
                place, time_s = said
                pixels = pictures.copy(place)
                with suppress(OSError):  # it has gone; what it said before is still to be read
                    channel.send_bytes(bytes([place.number]))
                yield Frame(pixels, self._settings.name, index, stamped(time_s, since_s))
                index += 1

    def _patience(self) -> Iterator[float]:
        """Yield for each message how long it may take, in seconds."""
        settings = self._settings
        yield START_S
        yield STUCK * settings.open_timeout
        while True:
            yield STUCK * settings.read_timeout + settings.rest_s


def _alone(settings: SourceSettings) -> SourceSettings:
    """
    Return what opens a camera, without what a configuration adds.

    To receive that, the process would load every section of one, and with them ONNX Runtime.
    """
    return SourceSettings.model_construct(
        **{name: getattr(settings, name) for name in SourceSettings.model_fields}
    )


def _message(
    uri: SourceUri, process: "subprocess.Popen[bytes]", channel: Connection, seconds: float
) -> bytes:
    try:
        if channel.poll(seconds):
            return channel.recv_bytes(LONGEST)
    except (EOFError, OSError):
        raise SourceError(f"{uri}: {_end(process)}") from None
    raise SourceError(f"{uri}: its process has not answered for {seconds:.0f} s and is ended")


def _end(process: "subprocess.Popen[bytes]") -> str:
    with suppress(subprocess.TimeoutExpired):
        process.wait(GOODBYE_S)
    code = process.returncode or 0
    how = signal.Signals(-code).name if code < 0 else f"code {code}"
    return f"its process has ended ({how}): what it sends is broken, or needs too much memory"


@contextmanager
def _process(memory: int) -> Iterator[tuple["subprocess.Popen[bytes]", Connection]]:
    ours, theirs = socket.socketpair()
    with Connection(ours.detach()) as channel:
        with theirs:
            process = _started(theirs.fileno(), memory)
        try:
            yield process, channel
        finally:
            channel.close()  # so it ends by itself, and says goodbye to the camera
            with suppress(subprocess.TimeoutExpired):
                process.wait(GOODBYE_S)
            process.kill()
            process.wait()


def _started(channel: int, memory: int) -> "subprocess.Popen[bytes]":
    numbers = map(str, (os.getpid(), channel, memory))
    return subprocess.Popen(
        [sys.executable, "-I", "-c", PROGRAM, json.dumps(sys.path), *numbers],
        stdin=subprocess.DEVNULL,
        env=os.environ | ONE_THREAD,
        pass_fds=(channel, memory),
        start_new_session=True,  # Ctrl-C is for the gate, which ends this process then
    )
