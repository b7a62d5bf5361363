"""The first picture of a camera, with the faces that were found in it."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import cv2

from edge.commissioning.taken_back import taken_back_on_error
from edge.errors import SinkError, SourceError
from edge.protocols import FaceDetector
from edge.samples import DetectedFace, Frame, Pixels
from engines.whole_file import write_whole

LOOK_S = 10.0
GREEN = (80, 200, 60)


def first_faces(
    frames: Generator[Frame, None, None],
    detector: FaceDetector,
    monotonic: Callable[[], float] = time.monotonic,
) -> tuple[Pixels, Sequence[DetectedFace]]:
    """
    Return the first picture that shows a face, and the faces; the last one when none comes soon.

    Raises:
        SourceError: There is no picture.
    """
    ends_at_s, seen, pixels = monotonic() + LOOK_S, list[DetectedFace](), None
    with closing(frames):
        for frame in frames:
            pixels = frame.pixels
            seen = list(detector.detect(pixels))
            if seen or monotonic() > ends_at_s:
                break
    if pixels is None:
        raise SourceError("there is no picture to look at")
    return pixels, seen


class Pictures:
    """Those of one commissioning, which show people: deleted again if nothing comes of it."""

    def __init__(self) -> None:
        self._own: list[Path] = []

    @contextmanager
    def needed(self) -> Iterator[None]:
        """Delete again what was written meanwhile, unless the block ends without an error."""
        with taken_back_on_error(self._own):
            yield

    def write(self, pixels: Pixels, faces: Sequence[DetectedFace], path: Path) -> Path:
        """
        Write a JPEG that its user alone can read, with a frame around each face.

        Args:
            pixels: (height, width, 3) uint8 BGR.
            faces: Found in it.
            path: Wanted; one that is there is left alone, and another name taken.

        Returns:
            What it is called.

        Raises:
            SinkError: It cannot be written.
        """
        tried = (path, *(path.with_stem(f"{path.stem}-{number}") for number in range(2, 999)))
        free = next(each for each in tried if not each.exists())
        self._own.append(free)  # before it is there, for Ctrl-C may come at any time
        try:
            write_whole(free, _jpeg(pixels, faces), mode=0o600)
        except OSError as error:
            raise SinkError(f"{free}: cannot be written: {error.strerror or error}") from error
        return free


def _jpeg(pixels: Pixels, faces: Sequence[DetectedFace]) -> bytes:
    drawn = pixels.copy()
    thick = max(2, round(pixels.shape[1] / 400))
    for face in faces:
        box = [
            round(edge) for edge in (face.box.left, face.box.top, face.box.right, face.box.bottom)
        ]
        cv2.rectangle(drawn, (box[0], box[1]), (box[2], box[3]), GREEN, thick)
    return cv2.imencode(".jpg", drawn)[1].tobytes()
