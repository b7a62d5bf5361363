"""
Pictures of many faces, of which a report shows a few: in a file when there are too many.

The file has no name, so that it is gone with the process, however that ends; it lies where Python
puts temporary files (`TMPDIR`).
"""

import weakref
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile, gettempdir
from threading import Lock

from edge.errors import TuningError

IN_MEMORY_BYTES = 8_000_000
"""2,000 pictures: with fewer there is no file."""


class Album:
    """Safe to use from several threads."""

    def __init__(self, in_memory_bytes: int = IN_MEMORY_BYTES) -> None:
        """Begin without a picture; more bytes than this go to a file."""
        self._file = SpooledTemporaryFile(max_size=in_memory_bytes)  # noqa: SIM115 -- closed below
        weakref.finalize(self, self._file.close)
        self._bytes, self._lock = 0, Lock()

    def put(self, picture: bytes) -> "Pasted":
        """
        Keep a picture; return where it is.

        Raises:
            TuningError: The file cannot be written.
        """
        with self._lock:
            try:
                self._file.seek(self._bytes)
                self._file.write(picture)
            except OSError as error:
                raise TuningError(
                    f"{gettempdir()}: pictures for the report cannot be kept: {error.strerror}; "
                    "name a folder with more room as TMPDIR"
                ) from error
            start, self._bytes = self._bytes, self._bytes + len(picture)
        return Pasted(self, start, len(picture))

    def read(self, start: int, length: int) -> bytes:
        """Return the bytes of a picture."""
        with self._lock:
            self._file.seek(start)
            return self._file.read(length)


@dataclass(frozen=True, slots=True, eq=False)
class Pasted:
    """A picture in an album."""

    album: Album
    start: int
    length: int

    def read(self) -> bytes:
        """Return the picture."""
        return self.album.read(self.start, self.length)
