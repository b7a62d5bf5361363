"""Frames from files: still images, folders of them, and recorded video."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2

from edge.config.source import VIDEO_SUFFIXES, is_video
from edge.errors import ImageError, SourceError
from edge.samples import Frame
from edge.sources.images import SUFFIXES, files_in, read_image


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
        self, paths: Sequence[Path], unreadable: Callable[[ImageError], None], first: int = 0
    ) -> None:
        """
        Keep the list; nothing is opened yet.

        Args:
            paths: Image files, in the order wanted.
            unreadable: Called with each file's error; the run goes on.
            first: Index of the first frame: its position in a longer list.
        """
        self._paths = paths
        self._first = first
        self._unreadable = unreadable
        self.name = f"{len(paths)} image{'' if len(paths) == 1 else 's'}"

    def frames(self) -> Iterator[Frame]:
        """Yield one frame for each image that can be decoded; `time_s` is None."""
        for index, path in enumerate(self._paths, self._first):
            try:
                pixels = read_image(path)
            except ImageError as error:
                self._unreadable(error)
                continue
            yield Frame(pixels, str(path), index, None)

    def frame_count(self) -> int:
        """Return the number of images, readable or not."""
        return len(self._paths)


class VideoFile:
    """Yields every frame of a recorded video, as fast as the consumer takes them."""

    def __init__(self, path: Path, every: int = 1) -> None:
        """
        Keep the path; nothing is opened yet.

        Args:
            path: A video file that FFmpeg can read.
            every: Yield each n-th frame; at least 1.
        """
        self._path = path
        self._every = every
        self.name = path.name

    def frames(self) -> Iterator[Frame]:
        """
        Yield frames in order, `time_s` from the container's time stamps.

        Raises:
            SourceError: The file is missing, cut short before its index, holds no frame, or has a
                name that is not UTF-8.
        """
        if not self._path.is_file():
            raise SourceError(f"{self._path}: no such video file")
        capture = cv2.VideoCapture(native_path(self._path))
        try:
            yield from self._read(capture)
        finally:
            capture.release()

    def _read(self, capture: cv2.VideoCapture) -> Iterator[Frame]:
        index = 0
        while True:
            more, pixels = capture.read()
            if not more:
                break
            # Asked after the read, it is the time stamp of the frame just read.
            time_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if index % self._every == 0:
                yield Frame(pixels, str(self._path), index, time_s)
            index += 1
        if index == 0:
            raise SourceError(
                f"{self._path}: no frame could be read; "
                "the file is empty, cut short or not a video: play it with ffplay to see"
            )

    def frame_count(self) -> int | None:
        """Return the number of frames the container promises, None when it does not say."""
        try:
            capture = cv2.VideoCapture(native_path(self._path))
        except SourceError:
            return None  # `frames` says why
        try:
            count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        finally:
            capture.release()
        return -(-count // self._every) if count > 0 else None


def open_files(
    paths: Sequence[Path], unreadable: Callable[[ImageError], None], first: int = 0
) -> tuple[ImageFiles | VideoFile, ...]:
    """
    Return the sources for images, videos, and folders that are searched to the bottom for both.

    Args:
        paths: What to read; all images come first, then each video, in the order found.
        unreadable: Called with the error of each image that cannot be read.
        first: Index of the first image's frame.

    Raises:
        SourceError: A folder holds neither.
    """
    found, videos = listed(paths)
    images = [ImageFiles(found, unreadable, first)] if found else []
    return (*images, *(VideoFile(path) for path in videos))


def listed(paths: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """
    Return the images and the videos, with those of folders; what is missing is with the images.

    Raises:
        SourceError: A folder holds neither.
    """
    images, videos = list[Path](), list[Path]()
    for file in files_in(paths, SUFFIXES | VIDEO_SUFFIXES, "image or video"):
        (videos if is_video(file) and file.is_file() else images).append(file)
    return tuple(images), tuple(videos)


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
