"""
Face image to network input: colour order, mean, scale and axis order, in this one place.

The builder and the running gate both call `prepare`, so they cannot disagree.
"""

import numpy as np
from numpy.typing import NDArray

from engines.quality.specification import FaceImages, InputSpecification


def input_axes(specification: InputSpecification) -> tuple[int, int, int]:
    """Return the axes of one prepared face image, without the batch."""
    height, width = specification.height, specification.width
    return (3, height, width) if specification.layout == "nchw" else (height, width, 3)


def prepare(face_images: FaceImages, specification: InputSpecification) -> NDArray[np.float32]:
    """
    Return the network's input: (pixel - mean) / scale in its colour and axis order.

    Args:
        face_images: (N, height, width, 3) uint8 BGR, aligned to the specification's template.
        specification: What the network was trained on.

    Returns:
        (N, 3, height, width) or (N, height, width, 3) float32, C-contiguous.

    Raises:
        ValueError: Another size or type; a face image is never resized or clipped silently.
    """
    wanted = (specification.height, specification.width, 3)
    if face_images.dtype != np.uint8 or face_images.ndim != 4 or face_images.shape[1:] != wanted:
        raise ValueError(
            f"face images must be uint8 (N, {wanted[0]}, {wanted[1]}, 3), "
            f"got {face_images.dtype} {face_images.shape}: align them to the pair's specification"
        )
    ordered = face_images[..., ::-1] if specification.colour == "rgb" else face_images
    scaled = (ordered.astype(np.float32) - np.float32(specification.mean)) / np.float32(
        specification.scale
    )
    axes = (0, 3, 1, 2) if specification.layout == "nchw" else (0, 1, 2, 3)
    return np.ascontiguousarray(scaled.transpose(axes))
