"""What a network expects of a face image: size, colour order, value range and landmark template."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.amounts import amount

FaceImages: TypeAlias = NDArray[np.uint8]
"""(N, height, width, 3) uint8 in B, G, R order, aligned to the network's template."""

Embeddings: TypeAlias = NDArray[np.float32]
"""(N, D) float32 rows."""

Landmarks: TypeAlias = NDArray[np.float32]
"""(5, 2) float32 (x, y) pixels: eyes (image left first), nose tip, mouth corners (left first)."""

ColourOrder = Literal["bgr", "rgb", "grey"]
PerChannel: TypeAlias = float | tuple[float, float, float]
"""One number for all channels, or one for each in the network's colour order."""
Layout = Literal["nchw", "nhwc"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class InputSpecification:
    """How an aligned face image becomes the network's input: (pixel - mean) / scale."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    colour: ColourOrder
    """Channels the network was trained on, in order; face images here are always BGR."""
    mean: PerChannel
    """Subtracted from every pixel value (0 to 255)."""
    scale: PerChannel
    """Divides the difference; not zero."""
    layout: Layout
    """Order of the input's axes (n batch, c channels, h height, w width)."""
    template: tuple[Point, ...]
    """
    Pixels: where landmarks lie in an aligned face image: all five (see `Landmarks`), or three, the
    eyes and the middle between the corners of the mouth, by which some networks were trained.
    """

    def __post_init__(self) -> None:
        if len(self.template) not in {3, 5}:
            raise ValueError(
                f"template: {amount(len(self.template), 'point')}, five or three are needed"
            )
