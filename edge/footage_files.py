"""Recorded footage on disk: files, and folders of images, of videos, or of both."""

from collections.abc import Callable, Sequence
from pathlib import Path

from edge.errors import ImageError, SourceError
from edge.images import SUFFIXES
from edge.source_file import ImageFiles, VideoFile, is_video, open_files


def open_footage(
    paths: Sequence[Path], unreadable: Callable[[ImageError], None], every: int = 1
) -> tuple[ImageFiles | VideoFile, ...]:
    """
    Return what is to be looked at: images first, then videos in the order of their names.

    Args:
        paths: Images, videos, and folders that are searched to the bottom for both.
        unreadable: Called with the error of each image that cannot be read.
        every: Take each n-th frame of a video.

    Raises:
        SourceError: A path is missing, or a folder holds neither images nor videos.
    """
    files = [file for path in paths for file in _files(path)]
    images = [file for file in files if not is_video(file)]
    videos = [VideoFile(file, every) for file in files if is_video(file)]
    return (*(open_files(images, unreadable) if images else ()), *videos)


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder")
    if path.is_file():
        return [path]
    found = sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and (is_video(file) or file.suffix.lower() in SUFFIXES)
    )
    if not found:
        raise SourceError(f"{path}: neither an image nor a video in this folder")
    return found
