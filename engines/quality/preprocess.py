"""
Face image to network input: colour order, mean, scale and axis order, in this one place.

The builder and the running gate both call `prepare`, so they cannot disagree.
"""

import numpy as np
from numpy.typing import NDArray

from engines.quality.specification import ColourOrder, FaceImages, InputSpecification

LUMA = (7471, 38470, 19595)
"""
Share of blue, green and red in grey, of 65536: ITU-R BT.601 as Pillow computes it (mode "L").

OpenCV rounds otherwise, by one grey level at most.
"""


def input_axes(specification: InputSpecification) -> tuple[int, int, int]:
    """Return the axes of one prepared face image, without the batch."""
    height, width = specification.height, specification.width
    channels = 1 if specification.colour == "grey" else 3
    nchw = specification.layout == "nchw"
    return (channels, height, width) if nchw else (height, width, channels)


def prepare(face_images: FaceImages, specification: InputSpecification) -> NDArray[np.float32]:
    """
    Return the network's input: (pixel - mean) / scale in its colour and axis order.

    Args:
        face_images: (N, height, width, 3) uint8 BGR, aligned to the specification's template.
        specification: What the network was trained on.

    Returns:
        (N, 3, height, width) or (N, height, width, 3) float32, C-contiguous; one channel in place
        of three where the network takes grey images.

    Raises:
        ValueError: Another size or type; a face image is never resized or clipped silently.
    """
    wanted = (specification.height, specification.width, 3)
    if face_images.dtype != np.uint8 or face_images.ndim != 4 or face_images.shape[1:] != wanted:
        raise ValueError(
            f"face images must be uint8 (N, {wanted[0]}, {wanted[1]}, 3), "
            f"got {face_images.dtype} {face_images.shape}: align them to the pair's specification"
        )
    mean, scale = (
        np.asarray(each, np.float32) for each in (specification.mean, specification.scale)
    )
    scaled = (_channels(face_images, specification.colour).astype(np.float32) - mean) / scale
    axes = (0, 3, 1, 2) if specification.layout == "nchw" else (0, 1, 2, 3)
    return np.ascontiguousarray(scaled.transpose(axes))


def _channels(face_images: FaceImages, colour: ColourOrder) -> FaceImages:
    if colour == "rgb":
        return face_images[..., ::-1]
    if colour == "bgr":
        return face_images
    weighted = face_images.astype(np.uint32) @ np.array(LUMA, np.uint32)
    return ((weighted + (1 << 15)) >> 16).astype(np.uint8)[..., np.newaxis]
