"""Video whose every picture is known, to be compared with what arrives."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from edge.samples import Pixels

RATE = 25
QUICK = {"tune": "zerolatency", "preset": "ultrafast"}
ENCODERS = {
    "h264": ("libx264", QUICK),
    "hevc": ("libx265", QUICK | {"x265-params": "log-level=none"}),
    # RTP carries no Huffman tables: those of the standard are meant (RFC 2435).
    "mjpeg": ("mjpeg", {"huffman": "default"}),
}

ROUNDING = 6
"""Largest difference between two decoders of one JPEG."""


@dataclass
class Sent:
    """A recording and its pictures, as a decoder shows them that gets all of it."""

    path: Path
    codec: str
    pictures: list[Pixels]

    def __post_init__(self) -> None:
        self._known = {picture.tobytes(): index for index, picture in enumerate(self.pictures)}

    def index_of(self, pixels: np.ndarray) -> int | None:
        """Return the index of the picture that is the same in each pixel."""
        return self._known.get(pixels.tobytes())

    def index_of_like(self, pixels: np.ndarray) -> int | None:
        """
        Return the index of the picture that differs by rounding only.

        JPEG's inverse transform is not prescribed to the bit (ISO/IEC 10918-2), H.264's and H.265's
        are.
        """
        for index, picture in enumerate(self.pictures):
            if np.abs(picture.astype(np.int16) - pixels).max() <= ROUNDING:
                return index
        return None


def moving_pictures(count: int, width: int = 320, height: int = 240) -> list[Pixels]:
    """Return pictures of which no two are equal: a blurred noise that wanders."""
    noise = np.random.default_rng(0).integers(0, 255, (2 * height, 2 * width, 3), dtype=np.uint8)
    blurred = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    return [
        np.ascontiguousarray(np.roll(blurred, (3 * index, 5 * index), (0, 1))[:height, :width])
        for index in range(count)
    ]


def write_video(
    path: Path, codec: str, pictures: list[Pixels], start: int = 0, **options: str
) -> None:
    """
    Encode pictures, with a key frame each half second; the file's ending says its form.

    Args:
        path: Of the file.
        codec: "h264", "hevc" or "mjpeg".
        pictures: All of one size.
        start: Number of the first picture, for its time stamp.
        options: Of the encoder.
    """
    encoder, chosen = ENCODERS[codec]
    with av.open(str(path), "w") as file:
        stream = cast("VideoStream", file.add_stream(encoder, rate=RATE, options=chosen | options))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = 12
        for index, picture in enumerate(pictures, start):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def decoded(path: Path) -> list[Pixels]:
    with av.open(str(path)) as file:
        return [cast("Pixels", frame.to_ndarray(format="bgr24")) for frame in file.decode(video=0)]


def sent_video(folder: Path, codec: str, count: int = 100, **options: str) -> Sent:
    path = folder / f"{codec}{''.join(options.values())}.mkv".replace("=", "").replace(":", "")
    write_video(path, codec, moving_pictures(count), 0, **options)
    return Sent(path, codec, decoded(path))
