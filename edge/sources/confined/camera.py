"""
A network camera in a process of its own, so that none can take the gate down.

Not a fork of the gate, which has threads and a GPU, of which a copy is worth nothing, but of a
process that has nothing else to do; `docs/measured.md` has what an opening costs.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from edge.config.source import SourceSettings
from edge.config.uri import SourceUri
from edge.errors import SourceError
from edge.samples import Damaged, Frame, Passed
from edge.sources.clock import stamped
from edge.sources.confined.forks import Fork, Forks
from edge.sources.confined.messages import LONGEST, NOT_FORKED, START_S, heard
from edge.sources.confined.pictures import SharedPictures, created
from edge.sources.decoding.demand import Demand
from edge.sources.network.camera_tls import tls_options

FORKS = Forks()
"""Of the whole gate: what they share is loaded once."""
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

        It ends when this generator is closed.

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
        process: Fork,
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


def _message(uri: SourceUri, process: Fork, channel: Connection, seconds: float) -> bytes:
    try:
        if channel.poll(seconds):
            return channel.recv_bytes(LONGEST)
    except (EOFError, OSError):
        raise SourceError(f"{uri}: {_end(process)}") from None
    raise SourceError(f"{uri}: its process has not answered for {seconds:.0f} s and is ended")


def _end(process: Fork) -> str:
    process.ends_within(GOODBYE_S)
    code = process.exit_code or 0
    if code == NOT_FORKED:
        return "no process can be started for it: allow more (TasksMax of the unit), or free memory"
    how = signal.Signals(-code).name if code < 0 else f"code {code}"
    return f"its process has ended ({how}): what it sends is broken, or needs too much memory"


@contextmanager
def _process(memory: int) -> Iterator[tuple[Fork, Connection]]:
    ours, theirs = socket.socketpair()
    with Connection(ours.detach()) as channel:
        with theirs:
            process = FORKS.start(theirs.fileno(), memory)
        try:
            yield process, channel
        finally:
            channel.close()  # so it ends by itself, and says goodbye to the camera
            if not process.ends_within(GOODBYE_S):
                _end_by_force(process)
            process.close()


def _end_by_force(process: Fork) -> None:
    process.kill()
    if not process.ends_within(GOODBYE_S):
        FORKS.forget(process)  # its server does not answer: let the next camera have another one
