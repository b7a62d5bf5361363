"""Recorded footage on disk, as the operator names it: what is missing is said before the work."""

from collections.abc import Callable, Sequence
from pathlib import Path

from edge.errors import ImageError, SourceError
from edge.sources.files import ImageFiles, VideoFile, listed


def open_footage(
    paths: Sequence[Path], unreadable: Callable[[ImageError], None], every: int = 1
) -> tuple[ImageFiles | VideoFile, ...]:
    """
    Return what is to be looked at, images first.

    Args:
        paths: Images, videos, and folders that are searched to the bottom for both.
        unreadable: Called with the error of each image that cannot be read.
        every: Take each n-th frame of a video.

    Raises:
        SourceError: A path is missing, or a folder holds neither images nor videos.
    """
    for path in paths:
        if not path.exists():
            raise SourceError(f"{path}: no such file or folder")
    images, videos = listed(paths)
    shown = [ImageFiles(images, unreadable)] if images else []
    return (*shown, *(VideoFile(path, every) for path in videos))
