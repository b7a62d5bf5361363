"""
The memory that the gate shares with the process of a camera.

A file without a name (memfd_create): nothing is left behind by a process that is killed, and the
small /dev/shm of a container is not used. Pages that no picture has reached yet take no memory.
Its size is sealed, so that the other side cannot cut it off under a reader.
"""

import fcntl
import mmap
import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceError
from edge.samples import CAMERA_PIXELS, Pixels

PLACES = 2
"""While one picture is copied out the next one is written."""
PLACE_BYTES = 3 * CAMERA_PIXELS
TOTAL_BYTES = PLACES * PLACE_BYTES + 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture lies."""

    number: int
    """From 0, below PLACES."""
    height: int
    width: int


class SharedPictures:
    """PLACES pictures; which of them is whose is agreed on by messages."""

    def __init__(self, descriptor: int) -> None:
        """Map the memory of a descriptor from `created`, which may be closed then."""
        self._memory = mmap.mmap(descriptor, TOTAL_BYTES)
        self._bytes: NDArray[np.uint8] = np.frombuffer(self._memory, np.uint8)
        self.due = self._bytes[PLACES * PLACE_BYTES :].view(np.float64)
        """(1,) float64: monotonic seconds of the next look; before it no picture is wanted."""

    def put(self, number: int, pixels: Pixels) -> Place:
        """
        Write a picture.

        Raises:
            SourceError: It does not fit.
        """
        place = Place(number, *pixels.shape[:2])
        np.copyto(self._at(place), pixels)
        return place

    def copy(self, place: Place) -> Pixels:
        """
        Return a copy of a picture.

        Raises:
            SourceError: There can be no such place.
        """
        return self._at(place).copy()

    def _at(self, place: Place) -> Pixels:
        length = 3 * place.height * place.width
        fits = place.height > 0 and place.width > 0 and length <= PLACE_BYTES
        if not fits or not 0 <= place.number < PLACES:
            raise SourceError(f"a picture of {place.width} x {place.height} pixels does not fit")
        start = place.number * PLACE_BYTES
        return self._bytes[start : start + length].reshape(place.height, place.width, 3)


def created() -> int:
    """Return the descriptor of new memory, of a size that nobody can change."""
    descriptor = os.memfd_create("edge-gate-camera", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, TOTAL_BYTES)
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor
