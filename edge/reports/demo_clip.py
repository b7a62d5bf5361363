"""A short video made of photographs: a camera that pans, zooms, smears and loses its light."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.errors import SinkError
from edge.samples import Pixels
from engines.whole_file import whole_path

WIDTH, HEIGHT = 960, 540
FRAMES_PER_SECOND = 12
FRAMES_PER_SHOT = 12


@dataclass(frozen=True, slots=True)
class View:
    """What the camera sees of a photograph, as fractions of the photograph's width."""

    x: float
    """Centre, from the left."""
    y: float
    """Centre, from the top, in fractions of the width too."""
    width: float


@dataclass(frozen=True, slots=True)
class Shot:
    """One camera move over one photograph."""

    photograph: str
    """File name."""
    start: View
    end: View
    smear: int = 1
    """Length of the horizontal motion blur in output pixels; 1 is sharp."""
    light: float = 1.0
    """Factor on the pixel values at the end of the shot; 1 at its start."""


SHOTS = (
    Shot("sample6.jpg", View(0.35, 0.32, 0.70), View(0.55, 0.32, 0.70)),
    Shot("sample6.jpg", View(0.55, 0.32, 0.70), View(0.35, 0.32, 0.70), smear=41),
    Shot("sample5.jpg", View(0.50, 0.30, 1.00), View(0.65, 0.22, 0.50)),
    Shot("sample3.jpg", View(0.60, 0.22, 0.60), View(0.60, 0.22, 0.60), light=0.04),
    Shot("obama3.jpg", View(0.50, 0.80, 2.20), View(0.55, 0.42, 0.80)),
)
"""A clear pan, the same pan smeared, a zoom in, a fading light, and an approach from afar."""


def clip_frames(photographs: dict[str, Pixels]) -> Iterator[Pixels]:
    """
    Yield the frames of every shot, (540, 960, 3) uint8 BGR.

    Args:
        photographs: File name to (height, width, 3) uint8 BGR.
    """
    for shot in SHOTS:
        for step in np.linspace(0, 1, FRAMES_PER_SHOT):
            yield _frame(photographs[shot.photograph], shot, float(step))


def _frame(photograph: Pixels, shot: Shot, step: float) -> Pixels:
    view = _between(shot.start, shot.end, step)
    scale = WIDTH / (view.width * photograph.shape[1])
    centre = np.array([view.x, view.y]) * photograph.shape[1]
    offset = np.array([WIDTH / 2, HEIGHT / 2]) - scale * centre
    matrix = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
    # cv2 shrinks without a low-pass filter, so the photograph is blurred to the new scale first.
    source = cv2.GaussianBlur(photograph, (0, 0), 0.5 / scale) if scale < 1 else photograph
    seen = cv2.warpAffine(source, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    smeared = cv2.blur(seen, (shot.smear, 1)) if shot.smear > 1 else seen
    light = 1 + (shot.light - 1) * step
    return cv2.convertScaleAbs(smeared, alpha=light) if light < 1 else smeared


def _between(start: View, end: View, step: float) -> View:
    def mix(first: float, last: float) -> float:
        return first + (last - first) * step

    return View(mix(start.x, end.x), mix(start.y, end.y), mix(start.width, end.width))


def write_clip(frames: Iterator[Pixels], path: Path) -> None:
    """
    Write frames as an MPEG-4 file, whole or not at all.

    Raises:
        SinkError: The encoder is missing or the disk refused.
    """
    try:
        with whole_path(path) as partial:
            _encode(frames, partial)
    except OSError as error:
        raise SinkError(f"{path}: cannot write a video there: {error.strerror or error}") from error


def _encode(frames: Iterator[Pixels], path: Path) -> None:
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*"mp4v"), FRAMES_PER_SECOND, (WIDTH, HEIGHT)
    )
    if not writer.isOpened():
        raise SinkError("no encoder for MPEG-4")
    try:
        for frame in frames:
            writer.write(frame)
    finally:
        writer.release()


def shot_photographs() -> Sequence[str]:
    """Return the file names of the photographs the clip is made of, each once."""
    return tuple(dict.fromkeys(shot.photograph for shot in SHOTS))
