"""Frames from files: still images, folders of them, and recorded video."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edge.config.source import AS_STATED, VIDEO_SUFFIXES, Geometry, is_video
from edge.errors import ImageError, SourceError
from edge.samples import Frame
from edge.sources.decoding.elements import DecoderChoice
from edge.sources.folders import files_in, is_file, is_photograph, passed_over, suffixes
from edge.sources.geometry import as_seen
from edge.sources.images import read_image
from edge.sources.video import VideoFile, holds_video
from engines.amounts import amount


def native_path(path: Path) -> str:
    """
    Return a path as OpenCV takes it.

    Raises:
        SourceError: A name in it holds bytes that are no UTF-8.
    """
    text = str(path)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise SourceError(f"{path}: a name here is not UTF-8, which OpenCV cannot open; rename it")
    return text


class ImageFiles:
    """Yields one frame for each readable image; an unreadable one is reported and passed over."""

    def __init__(
        self,
        paths: Sequence[Path],
        unreadable: Callable[[ImageError], None],
        first: int = 0,
        geometry: Geometry = AS_STATED,
    ) -> None:
        """
        Keep the list; nothing is opened yet.

        Args:
            paths: Image files, in the order wanted.
            unreadable: Called with each file's error; the run goes on.
            first: Index of the first frame: its position in a longer list.
            geometry: How they become what people saw, after what EXIF says.
        """
        self._geometry = geometry
        self._paths = paths
        self._first = first
        self._unreadable = unreadable
        self.name = amount(len(paths), "image")

    def frames(self) -> Iterator[Frame]:
        """Yield one frame for each image that can be decoded; `time_s` is None."""
        for index, path in enumerate(self._paths, self._first):
            try:
                pixels = read_image(path)
            except ImageError as error:
                self._unreadable(error)
                continue
            yield Frame(as_seen(pixels, self._geometry), str(path), index, None)

    def frame_count(self) -> int:
        """Return the number of images, readable or not."""
        return len(self._paths)


def open_files(
    paths: Sequence[Path],
    unreadable: Callable[[SourceError], None],
    first: int = 0,
    geometry: Geometry = AS_STATED,
    decoder: DecoderChoice = "ffmpeg",
) -> tuple[ImageFiles | VideoFile, ...]:
    """
    Return the sources for images, videos, and folders that are searched to the bottom for both.

    Args:
        paths: What to read; all images come first, then each video, in the order found.
        unreadable: Called with the error of each image that cannot be read, and of each video of
            which pictures are damaged.
        first: Index of the first image's frame.
        geometry: How pictures become what people saw.
        decoder: What decodes video, as in the configuration.

    Raises:
        SourceError: A folder holds neither.
    """
    found, videos = listed(paths)
    images = [ImageFiles(found, unreadable, first, geometry)] if found else []
    return (
        *images,
        *(VideoFile(path, 1, geometry, unreadable, decoder=decoder) for path in videos),
    )


def listed(paths: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """
    Return the images and the videos, with those of folders; what is missing is with the images.

    A file of an ending that says nothing, which only one named outright has, is looked into.

    Raises:
        SourceError: A folder holds neither.
    """
    images, videos = list[Path](), list[Path]()
    for file in files_in(paths, suffixes() | VIDEO_SUFFIXES, "image or video"):
        (videos if is_file(file) and _is_recording(file) else images).append(file)
    return tuple(images), tuple(videos)


def _is_recording(file: Path) -> bool:
    if file.suffix.lower() in suffixes() | VIDEO_SUFFIXES:
        return is_video(file)
    return not is_photograph(file) and holds_video(file)


def no_footage(path: Path) -> str | None:
    """
    Return why nothing can be read of a file or folder that is there; None when something may be.

    No file is opened, and a folder is searched until the first that would be.
    """
    try:
        next(files_in([path], suffixes() | VIDEO_SUFFIXES, "image or video"))
    except SourceError as error:
        return str(error)
    return f"is empty: {path}" if is_file(path) and path.stat().st_size == 0 else None


def left_out(paths: Sequence[Path]) -> str | None:
    """Return how many files of folders are no images or videos, and why, or None for not one."""
    return passed_over(paths, suffixes() | VIDEO_SUFFIXES)


def open_footage(
    paths: Sequence[Path],
    unreadable: Callable[[SourceError], None],
    every: int = 1,
    geometry: Geometry = AS_STATED,
) -> tuple[ImageFiles | VideoFile, ...]:
    """
    Return what is to be looked at, images first.

    Args:
        paths: Images, videos, and folders that are searched to the bottom for both.
        unreadable: Called with the error of each image that cannot be read, and of each video of
            which pictures are damaged.
        every: Take each n-th frame of a video.
        geometry: How pictures become what people saw.

    Raises:
        SourceError: A path is missing, or a folder holds neither images nor videos.
    """
    for path in paths:
        if not os.path.exists(path):  # noqa: PTH110 -- Path's own raises where it is too long
            raise SourceError(f"{path}: no such file or folder")
    images, videos = listed(paths)
    shown = [ImageFiles(images, unreadable, 0, geometry)] if images else []
    return (*shown, *(VideoFile(path, every, geometry, unreadable) for path in videos))
