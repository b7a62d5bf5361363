"""A picture that GStreamer holds, and how it becomes one of FFmpeg's."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias, cast

import av
import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceError
from edge.samples import Pixels
from edge.sources.decoding.elements import FORMATS
from edge.sources.decoding.library import Library

MICRO = 1_000_000
RANGES = {1: 2, 2: 1}
"""FFmpeg's AVColorRange of GstVideoColorRange."""
MATRICES = {3: 1, 4: 5, 5: 7, 6: 9}
"""FFmpeg's AVColorSpace of GstVideoColorMatrix: BT.709, BT.601, SMPTE 240M, BT.2020."""

Bytes: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Stated:
    """What a stream says of its pictures, as FFmpeg reads it."""

    turn: tuple[int, int, int, int] | None = None
    """How they are to be turned: see `edge.sources.geometry.Turn`; None when it does not say."""
    color_range: int = 0
    """FFmpeg's numbers (libavutil/pixfmt.h); 0 and 2: unspecified."""
    colorspace: int = 2


def stated_by(library: Library, sample: Any) -> Stated:
    """Return what GStreamer itself says of a sample's colours, where FFmpeg has not read them."""
    said = library.video.VideoInfo.new_from_caps(sample.get_caps()).colorimetry
    return Stated(None, RANGES.get(int(said.range), 0), MATRICES.get(int(said.matrix), 2))


def packed(name: str, width: int, height: int) -> list[tuple[int, int]]:
    """
    Return for each plane the bytes of a row and where it begins, if rows follow without padding.

    Args:
        name: GStreamer's of the form; of others than NV12 and I420 nothing is returned.
        width: Pixels.
        height: Pixels.
    """
    luma = width * height
    if width % 2 or height % 2:
        return []
    return {
        "NV12": [(width, 0), (width, luma)],
        "I420": [(width, 0), (width // 2, luma), (width // 2, luma * 5 // 4)],
    }.get(name, [])


class Sample:
    """
    What `appsink` gave; its pixels are fetched only when somebody wants them.

    In the manner of `av.VideoFrame`, as far as it is looked at before that.
    """

    is_corrupt = False
    key_frame = False

    def __init__(
        self, library: Library, sample: Any, time: float | None, stated: Stated = Stated()
    ) -> None:
        """
        Keep it.

        Args:
            library: That it is of.
            sample: A Gst.Sample of raw video in one of FORMATS.
            time: Presentation time in seconds.
            stated: What the stream says of it.
        """
        self._library, self._sample = library, sample
        self.time, self.stated = time, stated

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._layout.get_value("width"), self._layout.get_value("height")

    @property
    def interlaced_frame(self) -> bool:
        """Whether it is two fields, as far as the caps say."""
        mode = self._layout.get_string("interlace-mode")
        return mode not in (None, "progressive")

    @property
    def parity(self) -> str:
        """Which of two fields is the first, in the words of FFmpeg's bwdif: tff or bff."""
        order = self._layout.get_string("field-order")
        first = self._library.gst.BufferFlags(int(self._library.video.VideoBufferFlags.TFF))
        is_top = order == "top-field-first" or self._sample.get_buffer().has_flags(first)
        return "tff" if is_top or not self.interlaced_frame else "bff"

    def frame(self) -> av.VideoFrame:
        """
        Return the picture.

        Raises:
            SourceError: GStreamer does not let it be read.
        """
        name = self._layout.get_string("format")
        (width, height), rows = self.size, self._rows()
        data = self._data()
        frame = av.VideoFrame(width, height, FORMATS[name])
        for plane, (stride, offset) in zip(frame.planes, rows, strict=False):
            _copy(data[offset : offset + stride * plane.height], stride, plane)
        return self._described(frame)

    def bgr(self) -> Pixels:
        """
        Return the picture's pixels, (height, width, 3) uint8.

        Raises:
            SourceError: GStreamer does not let it be read.
        """
        name = self._layout.get_string("format")
        (width, height), rows = self.size, self._rows()
        without_padding = packed(name, width, height)
        if without_padding and rows[: len(without_padding)] == without_padding:
            # As FFmpeg would lay it out: converted where it lies.
            lines = self._data()[: width * height * 3 // 2].reshape(-1, width)
            return bgr_of(
                self._described(av.VideoFrame.from_numpy_buffer(lines, format=FORMATS[name]))
            )
        return bgr_of(self.frame())

    @property
    def _layout(self) -> Any:
        return self._sample.get_caps().get_structure(0)

    def _rows(self) -> list[tuple[int, int]]:
        """Return for each plane the bytes of a row, and where it begins."""
        layout = self._library.video.VideoInfo.new_from_caps(self._sample.get_caps())
        # A buffer may tell of rows that are longer than caps alone promise.
        meta = self._library.video.buffer_get_video_meta(self._sample.get_buffer()) or layout
        return list(zip(meta.stride, meta.offset, strict=True))

    def _described(self, frame: av.VideoFrame) -> av.VideoFrame:
        if self.time is not None:
            frame.pts, frame.time_base = round(self.time * MICRO), Fraction(1, MICRO)
        frame.color_range, frame.colorspace = self.stated.color_range, self.stated.colorspace
        return frame

    def _data(self) -> Bytes:
        buffer = self._sample.get_buffer()
        is_mapped, memory = buffer.map(self._library.gst.MapFlags.READ)
        if not is_mapped:
            raise SourceError(
                "GStreamer did not let a picture be read; the memory may be exhausted"
            )
        try:
            # PyGObject gives bytes; with gst-python beside it they are only lent until `unmap`.
            return np.frombuffer(bytes(memory.data), np.uint8)
        finally:
            buffer.unmap(memory)


def _copy(data: Bytes, stride: int, plane: Any) -> None:
    theirs = data.reshape(-1, stride)
    ours = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    width = min(stride, plane.line_size)
    ours[: plane.height, :width] = theirs[:, :width]


def frame_of(picture: "av.VideoFrame | Sample") -> av.VideoFrame:
    """Return a picture as FFmpeg's."""
    return picture.frame() if isinstance(picture, Sample) else picture


def bgr_of(picture: "av.VideoFrame | Sample") -> Pixels:
    """Return the pixels of a picture, (height, width, 3) uint8."""
    if isinstance(picture, Sample):
        return picture.bgr()
    # Else each picture has threads of its own, as many as there are cores.
    return cast("Pixels", picture.to_ndarray(format="bgr24", threads=1))
