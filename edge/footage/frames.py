"""Every frame of a list of files, one after the other, with progress and a report of failures."""

from collections.abc import Callable, Iterable, Iterator

from rich.progress import Progress

from edge.errors import EdgeError, SourceError
from edge.samples import Assessment, Frame
from edge.sources.files import ImageFiles
from edge.sources.video import VideoFile

Assess = Callable[[Frame], tuple[Assessment, ...]]
Report = Callable[[EdgeError], None]


def frames_of(
    sources: Iterable[ImageFiles | VideoFile], bars: Progress, report: Report
) -> Iterator[Frame]:
    """
    Yield the frames of all sources in order; a source that fails is reported and passed over.

    Args:
        sources: Images and videos.
        bars: A running progress display, which counts a frame when the next one is asked for.
        report: Called with the error of each source that cannot be read to its end.
    """
    for source in sources:
        task = bars.add_task(source.name, total=source.frame_count())
        taken = 0
        try:
            for taken, frame in enumerate(source.frames(), start=1):
                yield frame
                bars.update(task, completed=taken)
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
