"""JSON Lines on standard output: one record a line, without the face image."""

import sys
from typing import BinaryIO

from edge.errors import SinkError
from edge.samples import Delivery


class StdoutSink:
    """Satisfies the Protocol `Sink`."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = sys.stdout.buffer if stream is None else stream

    def send(self, delivery: Delivery) -> None:
        """
        Write one line and flush it.

        Raises:
            SinkError: The reader has gone.
        """
        try:
            # One call for the whole line: another writer's line must not come in between.
            self._stream.write(delivery.record + b"\n")
            self._stream.flush()
        except OSError as error:
            raise SinkError(f"standard output: {error.strerror or error}") from error

    def idle(self) -> None:
        """Do nothing: nobody looks whether it is there."""

    def close(self) -> None:
        """Leave standard output open: it is not ours."""
