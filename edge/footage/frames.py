"""Every frame of a list of files, one after the other, with progress and a report of failures."""

import math
import time
from collections.abc import Callable, Iterable, Iterator

from rich.progress import Progress

from edge.errors import EdgeError, SourceError
from edge.samples import Assessment, Frame
from edge.sources.files import ImageFiles
from edge.sources.video import VideoFile

Assess = Callable[[Frame], tuple[Assessment, ...]]
Report = Callable[[EdgeError], None]
TELL_EVERY_S = 0.1
"""Progress need not be told more often: nobody reads more quickly."""


def frames_of(
    sources: Iterable[ImageFiles | VideoFile], bars: Progress, report: Report
) -> Iterator[Frame]:
    """
    Yield the frames of all sources in order; a source that fails is reported and passed over.

    Args:
        sources: Images and videos.
        bars: A running progress display, which is told now and then how many frames are done.
        report: Called with the error of each source that cannot be read to its end.
    """
    for source in sources:
        task = bars.add_task(source.name, total=source.frame_count())
        taken, told_s = 0, -math.inf
        try:
            for taken, frame in enumerate(source.frames(), start=1):
                yield frame
                if (now_s := time.monotonic()) - told_s >= TELL_EVERY_S:
                    bars.update(task, completed=taken)
                    told_s = now_s
        except SourceError as error:
            report(error)
        # Unreadable images and inexact frame counts must not leave a bar short of its end.
        bars.update(task, total=taken, completed=taken)


def assessments(
    sources: Iterable[ImageFiles | VideoFile], assess: Assess, bars: Progress, report: Report
) -> Iterator[Assessment]:
    """
    Yield the faces of all frames, each frame by itself: nobody is followed.

    Args:
        sources: Images and videos.
        assess: Returns the faces of a frame.
        bars: A running progress display.
        report: Called with the error of each source that cannot be read to its end.
    """
    for frame in frames_of(sources, bars, report):
        yield from assess(frame)
