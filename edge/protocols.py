"""The seams: where a device, a library or a network of somebody else's begins."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from edge.samples import Assessment, DetectedFace, Frame, Pixels


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
    """Receives assessments that were forwarded."""

    def send(self, assessment: Assessment) -> None:
        """
        Take over one assessment.

        Raises:
            SinkError: It was not accepted; nothing half-written remains.
        """
