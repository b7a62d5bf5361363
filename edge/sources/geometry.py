"""
Pictures as people saw them: upright, with square pixels, and one moment in each.

In this order: fields are made into whole pictures (deinterlaced), pixels into squares, the picture
is turned as its file says, then as the operator says, and mirrored last.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from fractions import Fraction
from typing import TypeAlias, cast

import av
import av.filter
import cv2
import numpy as np
from av.sidedata.sidedata import SideData
from av.video.stream import VideoStream

from edge.config.source import Geometry
from edge.samples import PIXEL_BUDGET, Pixels
from edge.sources.confined.bounds import require_pixels
from edge.sources.decoding.sample import Sample, bgr_of, frame_of

Turn: TypeAlias = tuple[int, int, int, int]
"""a, b, c, d: what is at (x, y) comes to (a x + c y, b x + d y); the directions alone count."""

Picture: TypeAlias = av.VideoFrame | Sample
"""Of a decoder of FFmpeg's or GStreamer's."""

AS_IT_IS: Turn = (1, 0, 0, 1)
CLOCKWISE: dict[int, Turn] = {
    0: AS_IT_IS,
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}
MIRRORED: Turn = (-1, 0, 0, 1)
WIDEST = 5
"""A pixel that is said to be wider or higher than that is a defect of the file."""


def as_seen(
    pixels: Pixels,
    geometry: Geometry,
    pixel_aspect: Fraction | None = None,
    budget: int = PIXEL_BUDGET,
) -> Pixels:
    """
    Return a picture with square pixels, turned and mirrored as the operator says.

    Args:
        pixels: (height, width, 3) uint8 BGR.
        geometry: Of the source; its `aspect` is believed more than `pixel_aspect`.
        pixel_aspect: Width of a pixel divided by its height, as the stream states it.
        budget: Largest width times height of what becomes of it.
    """
    return oriented(squared(pixels, geometry, pixel_aspect, budget), geometry)


def squared(
    pixels: Pixels,
    geometry: Geometry,
    pixel_aspect: Fraction | None,
    budget: int = PIXEL_BUDGET,
) -> Pixels:
    """
    Return a picture with square pixels: stretched in one direction, never shrunk.

    Raises:
        SourceError: It would become larger than the budget.
    """
    height, width = pixels.shape[:2]
    if geometry.aspect is not None:
        pixel_aspect = geometry.aspect * height / width
    if not pixel_aspect or not Fraction(1, WIDEST) <= pixel_aspect <= WIDEST:
        return pixels
    size = max(width, round(width * pixel_aspect)), max(height, round(height / pixel_aspect))
    if size == (width, height):
        return pixels
    require_pixels("stretched to square pixels", *size, budget)
    return cast("Pixels", cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR))


def oriented(pixels: Pixels, geometry: Geometry) -> Pixels:
    """Return a picture turned and mirrored as the operator says."""
    turned_by_hand = turned(pixels, CLOCKWISE[geometry.rotate])
    return turned(turned_by_hand, MIRRORED) if geometry.mirror else turned_by_hand


def turned(pixels: Pixels, turn: Turn) -> Pixels:
    """Return a picture turned by quarters, or mirrored, without a change of any pixel."""
    a, b, c, d = turn
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels, a, d = cast("Pixels", cv2.transpose(pixels)), c, b
    if a < 0 or d < 0:
        direction = -1 if a < 0 and d < 0 else 1 if a < 0 else 0
        pixels = cast("Pixels", cv2.flip(pixels, direction))
    return pixels


def turn_of(frame: Picture) -> Turn | None:
    """
    Return how a picture is to be turned: the display matrix that telephones write.

    Returns:
        None where nothing says it.
    """
    if isinstance(frame, Sample):
        return frame.stated.turn
    data = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(data, SideData):
        return None
    matrix = np.frombuffer(bytes(data), np.int32)
    return int(matrix[0]), int(matrix[1]), int(matrix[3]), int(matrix[4])


class AsSeen:
    """Makes the pictures of one video stream what people saw."""

    def __init__(
        self,
        stream: VideoStream,
        geometry: Geometry,
        budget: int = PIXEL_BUDGET,
        watched: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """
        Prepare.

        Args:
            stream: States its sample aspect ratio, in the file or in the video.
            geometry: Of the source.
            budget: Largest width times height of what becomes of them.
            watched: Makes what is entered while one picture is made.
        """
        self._watched = watched
        self._stream, self._geometry, self._budget = stream, geometry, budget
        self._deinterlacer = Deinterlacer(every=geometry.deinterlace == "always")
        self._never = geometry.deinterlace == "never"
        self._turn = AS_IT_IS
        self._began = self._was_key = False

    def whole(self, frame: Picture | None) -> Iterator[Picture]:
        """Yield pictures without combs; None asks for those that are still held."""
        frames = self._deinterlacer.of(frame) if not self._never else [frame] if frame else []
        for each in frames:
            self._look_for_turn(each)
            yield each

    def pixels(self, frame: Picture) -> Pixels:
        """Return the picture that `whole` has yielded last as people saw it."""
        with self._watched():
            aspect = self._stream.sample_aspect_ratio
            square = squared(bgr_of(frame), self._geometry, aspect, self._budget)
            return oriented(turned(square, self._turn), self._geometry)

    def _look_for_turn(self, frame: Picture) -> None:
        # A frame whose side data was looked at refers to itself: its memory waits for Python's
        # garbage collector, dozens of pictures at a time. So only the first of a run is asked.
        if not self._began or (frame.key_frame and not self._was_key):
            # What a file says in its head a decoder that was made after damage does not repeat.
            self._turn = turn_of(frame) or self._turn
        self._began, self._was_key = True, frame.key_frame


class Deinterlacer:
    """
    Makes whole pictures of those that are two fields, caught one after the other.

    FFmpeg's bwdif: lines that are missing in a field are taken from the fields before and after
    where nothing moved. Pictures are passed on as they are up to the first interlaced one; from
    there on each waits for the next one.
    """

    def __init__(self, *, every: bool) -> None:
        """Treat every picture as interlaced, or those that say so."""
        self._every, self._parity = every, "auto"
        self._graph: av.filter.Graph | None = None
        self._form: tuple[int, int, str] | None = None

    def of(self, frame: Picture | None) -> list[Picture]:
        """Return the pictures that are ready; None asks for those that are still held."""
        if frame is None:
            return self._pulled(None)
        if self._graph is None and not (self._every or frame.interlaced_frame):
            return [frame]
        if isinstance(frame, Sample):
            # GStreamer says it of all pictures of a stream, FFmpeg of each.
            self._every, self._parity = True, frame.parity
        frame = frame_of(frame)
        form = frame.width, frame.height, frame.format.name
        before = self._pulled(None) if form != self._form else []
        if form != self._form:
            self._graph, self._form = self._made(frame), form
        return before + self._pulled(frame)

    def _made(self, frame: av.VideoFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        start = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base,
        )
        which = "all" if self._every else "interlaced"
        fields = graph.add("bwdif", f"mode=send_frame:deint={which}:parity={self._parity}")
        end = graph.add("buffersink")
        start.link_to(fields)
        fields.link_to(end)
        graph.configure()
        return graph

    def _pulled(self, frame: av.VideoFrame | None) -> list[Picture]:
        ready: list[Picture] = []
        if self._graph is None:
            return ready
        self._graph.push(frame)
        with suppress(av.error.BlockingIOError, av.error.EOFError):
            while True:
                ready.append(cast("av.VideoFrame", self._graph.pull()))
        return ready
