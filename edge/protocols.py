"""The seams: where a device, a library or a network of somebody else's begins."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from edge.samples import Delivery, DetectedFace, Frame, Pixels


class FrameSource(Protocol):
    """Yields frames until the source ends."""

    def frames(self) -> Iterator[Frame]:
        """
        Yield frames in order.

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


class Sink(Protocol):
    """Takes forwarded faces: a folder, a server, a broker."""

    def send(self, delivery: Delivery) -> None:
        """
        Take over one face. Sending the same key again replaces or repeats it, never breaks.

        Raises:
            SinkError: Not now; the same delivery may succeed later. Nothing half-written remains.
            SinkRefusedError: Never; trying this delivery again cannot help.
        """

    def close(self) -> None:
        """Release connections; safe to call twice."""
