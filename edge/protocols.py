"""The seams: where a device, a library or a network of somebody else's begins."""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from edge.samples import Box, Connection, Damaged, Delivery, DetectedFace, Frame, Passed, Pixels


class FrameSource(Protocol):
    """
    Opens a device, an address or a file and yields its frames, once: it never reconnects.

    `edge.sources.live.LiveSource` keeps one alive for months. It runs `frames()` in a thread of its
    own, opens anew after a loss, and hands over values of `edge.samples.Captured`:

        source = edge.sources.open.live_source(settings, around, unreadable)    nothing opened yet
        source.start()
        source.frames()                      iterator of Captured: waits; ends after stop(), or
                                             after the last frame of a file
        source.take()                        Captured or None: never waits, for one loop over
                                             several sources; `arrived` is called after each put
        source.status()                      state, since when, counts, health of the picture
        source.stop()
    """

    def frames(self) -> Iterator[Frame | Damaged | Passed]:
        """
        Open, and yield frames in order; dropping the iterator releases the source.

        A camera yields `Damaged` for each picture that it leaves out, and `Passed` for each one
        that comes before somebody wants to look again.

        May block up to the source's timeouts. A new call opens anew.

        Raises:
            SourceError: The source cannot be opened or was lost.
        """


class FaceDetector(Protocol):
    """Finds faces with five landmarks."""

    def detect(self, pixels: Pixels) -> Sequence[DetectedFace]:
        """
        Return the faces of one image, from left to right.

        Args:
            pixels: (height, width, 3) uint8 BGR.

        Raises:
            DetectorError: The detector refused the image.
        """


@runtime_checkable
class LocalFaceDetector(FaceDetector, Protocol):
    """A detector that can look at a part of an image, for a part of the price."""

    def smallest_sought(self) -> int:
        """Return the side of the smallest face that `detect` looks for, in pixels of the image."""

    def detect_near(self, pixels: Pixels, box: Box) -> Sequence[DetectedFace]:
        """
        Return the faces about a place, from left to right, in pixels of the whole image.

        The one at that place is among them, if there is one; others may be left out.

        Args:
            pixels: (height, width, 3) uint8 BGR.
            box: Where a face is expected; may reach over the border.

        Raises:
            DetectorError: The detector refused the image.
        """


@runtime_checkable
class RunBy(Protocol):
    """A detector that says what runs its networks."""

    @property
    def engine(self) -> str:
        """Library, version and precision, as `ONNX Runtime 1.23.2, f32`."""


def engine_of(detector: FaceDetector) -> str | None:
    """Return what runs a detector's networks; None where it does not say."""
    return detector.engine if isinstance(detector, RunBy) else None


class Sink(Protocol):
    """Takes forwarded faces: a folder, a server, a broker."""

    def send(self, delivery: Delivery) -> None:
        """
        Take over one face. Sending the same key again replaces or repeats it, never breaks.

        Raises:
            SinkError: Not now; the same delivery may succeed later. Nothing half-written remains.
            SinkRefusedError: Never; trying this delivery again cannot help.
        """

    def idle(self) -> None:
        """
        Use a moment without faces, at the start and at least twice a minute; raises nothing.

        For a sink whose connection is seen by others. By the thread that sends.
        """

    def close(self) -> None:
        """Release connections; safe to call twice."""


@runtime_checkable
class Connected(Protocol):
    """A sink that keeps a connection while no face is on its way."""

    def connection(self) -> Connection:
        """Return how it is doing; may be asked by any thread."""


def connection_of(sink: Sink) -> Connection:
    """Return how the connection of a sink is doing; one that keeps none has no problem."""
    return sink.connection() if isinstance(sink, Connected) else Connection()
