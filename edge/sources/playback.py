"""Recordings as a source for a running gate: once or in a loop, fast or at their own speed."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Protocol

from edge.errors import SourceError
from edge.samples import Frame

LONGEST_GAP_S = 1.0
"""Longer gaps between the time stamps of a recording are shortened to this."""


def _wait(seconds: float) -> None:
    Event().wait(seconds)


@dataclass(frozen=True, slots=True)
class Pacing:
    """The clock that a paced recording follows; tests hand in their own."""

    monotonic: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = _wait


class Recording(Protocol):
    """A file, or several photographs."""

    def frames(self) -> Iterator[Frame]:
        """Yield frames in order, from the beginning with each call."""


class Replay:
    """Files as one source."""

    def __init__(
        self,
        open_files: Callable[[], Sequence[Recording]],
        *,
        loop: bool = False,
        pacing: Pacing | None = None,
    ) -> None:
        """
        Keep the arguments; nothing is opened yet.

        Args:
            open_files: Returns the files; called at the start of each round.
            loop: Start again at the end, for ever.
            pacing: Keep to the time stamps; None hands frames over as fast as they are taken.
        """
        self._open_files = open_files
        self._loop = loop
        self._pacing = pacing

    def frames(self) -> Iterator[Frame]:
        """
        Yield the frames of all files in order; a still image has no time and is not waited for.

        Raises:
            SourceError: A file is missing or broken, or none holds a frame.
        """
        while True:
            count = 0
            for source in self._open_files():
                frames = source.frames()
                for frame in frames if self._pacing is None else paced(frames, self._pacing):
                    yield frame
                    count += 1
            if count == 0:
                raise SourceError("no file of the source holds a frame that can be read")
            if not self._loop:
                return


def paced(frames: Iterator[Frame], pacing: Pacing) -> Iterator[Frame]:
    """
    Yield each frame at its time; a consumer that was slow is not flooded afterwards.

    Args:
        frames: Of one recording, `time_s` not decreasing.
        pacing: The clock to follow.
    """
    start_s = pacing.monotonic()
    for frame in frames:
        if frame.time_s is not None:
            now_s = pacing.monotonic()
            early_s = min(max(start_s + frame.time_s - now_s, 0.0), LONGEST_GAP_S)
            if early_s > 0:
                pacing.wait(early_s)
            start_s = now_s + early_s - frame.time_s
        yield frame
