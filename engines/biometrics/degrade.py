"""
Camera faults at graded strengths, for measuring how a quality score answers to them.

Every fault is a plain function `(image, strength, rng) -> image` of the same shape. Sizes are
shares of the image's shorter side, so an image must frame its face alike: the face in the middle,
eyes about a sixth of the side apart. That holds for face photographs such as LFW's 250 x 250
pixels (degraded before detection, by `edge evaluate`) and for face images aligned with a margin
(degraded after alignment, by the calibration; see `with_margin`).

Strength 1 is hardly seen, 3 is a poor camera, 5 is about the worst in which a person still finds
the face. The scales are ours; the list of faults follows the capture defects of ISO/IEC 29794-5.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.quality.specification import FaceImages, InputSpecification

Image: TypeAlias = NDArray[np.uint8]
"""(height, width, 3) uint8 in B, G, R order."""
Fault: TypeAlias = Callable[[Image, int, np.random.Generator], Image]

STRENGTHS = (1, 2, 3, 4, 5)
MARGIN = 0.4
"""Added on each side of an aligned face image, as a share of its width or height."""

DISK_RADIUS = (0.004, 0.008, 0.014, 0.02, 0.028)
"""Defocus: radius of the blur disk; shares of the shorter side."""
MOTION_LENGTH = (0.016, 0.032, 0.052, 0.08, 0.12)
"""Motion blur: length of the path; shares of the shorter side."""
PIXELS_OF_SIDE = (100, 64, 44, 32, 24)
"""Low resolution: pixels that the shorter side was captured with (a sixth between the eyes)."""
READ_NOISE = (3.0, 6.0, 11.0, 18.0, 28.0)
"""Sensor noise: standard deviation in the dark, in grey levels; shot noise is added to it."""
STOPS_DOWN = (1.5, 2.5, 3.5, 4.5, 5.5)
"""Under-exposure in stops of linear light."""
DARK_NOISE = 1.5
"""Standard deviation of the noise that under-exposure is left with, in grey levels."""
STOPS_UP = (0.7, 1.3, 1.9, 2.5, 3.1)
"""Over-exposure in stops of linear light; what exceeds white is lost."""
JPEG_QUALITY = (40, 22, 12, 7, 4)
"""Quality settings of the encoder (libjpeg's scale)."""
COVERED = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Occlusion and off-centre crop: share of the face region that cannot be seen."""
FACE_REGION = (0.29, 0.26, 0.71, 0.78)
"""Left, top, right, bottom of the face in such an image; shares of its width and height."""


@dataclass(frozen=True, slots=True)
class Degradation:
    """One fault at one strength."""

    fault: str
    """A key of `FAULTS`."""
    strength: int
    """1 to 5; higher is worse."""

    def __post_init__(self) -> None:
        if self.fault not in FAULTS:
            raise ValueError(f"no fault is named {self.fault!r}: choose from {', '.join(FAULTS)}")
        if self.strength not in STRENGTHS:
            raise ValueError(f"strength {self.strength} is not one of 1 to 5")


def degrade(image: Image, degradation: Degradation, rng: np.random.Generator) -> Image:
    """
    Return the image as a faulty camera would have delivered it.

    Args:
        image: (height, width, 3) uint8 BGR, framing its face as the module says.
        degradation: Fault and strength.
        rng: Chooses direction, place and noise; the same state gives the same image.

    Returns:
        A new image of the same shape.
    """
    return FAULTS[degradation.fault](image, degradation.strength, rng)


def assigned_degradation(name: str, seed: int, share: float) -> Degradation | None:
    """
    Return the degradation of a named image, or None for the images left as they are.

    The choice depends on nothing but name and seed, so no order or subset of images changes it.

    Args:
        name: The image's name in the list of pairs.
        seed: Of the whole evaluation.
        share: Of the images to degrade, 0 to 1; faults and strengths are equally frequent.
    """
    rng = generator_of(name, seed, "assignment")
    if rng.random() >= share:
        return None
    return Degradation(str(rng.choice(list(FAULTS))), int(rng.choice(STRENGTHS)))


def generator_of(name: str, seed: int, purpose: str) -> np.random.Generator:
    """Return the random generator of one named image for one purpose."""
    digest = hashlib.sha256(f"{seed}\n{purpose}\n{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def with_margin(specification: InputSpecification) -> InputSpecification:
    """Return a specification whose face images show the same face with `MARGIN` around it."""
    left, top = _margins(specification)
    return replace(
        specification,
        width=specification.width + 2 * left,
        height=specification.height + 2 * top,
        template=tuple((x + left, y + top) for x, y in specification.template),
    )


def without_margin(face_images: FaceImages, specification: InputSpecification) -> FaceImages:
    """Return the (N, height, width, 3) face images that `specification` asks for, margin cut."""
    left, top = _margins(specification)
    rows = slice(top, top + specification.height)
    return face_images[:, rows, left : left + specification.width]


def _margins(specification: InputSpecification) -> tuple[int, int]:
    return round(MARGIN * specification.width), round(MARGIN * specification.height)


def defocus(image: Image, strength: int, rng: np.random.Generator) -> Image:  # noqa: ARG001
    """Blur with a disk, the image of a point through a lens out of focus (`DISK_RADIUS`)."""
    radius = DISK_RADIUS[strength - 1] * _side(image)
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)  # soft rim: radii between whole pixels
    return cv2.filter2D(image, -1, disk / disk.sum(), borderType=cv2.BORDER_REPLICATE)


def motion_blur(image: Image, strength: int, rng: np.random.Generator) -> Image:
    """Blur along a straight path of random direction (`MOTION_LENGTH`)."""
    length = MOTION_LENGTH[strength - 1] * _side(image)
    reach = int(np.ceil(length / 2)) + 1
    path = np.zeros((2 * reach + 1, 2 * reach + 1), np.float64)
    angle = rng.uniform(0, np.pi)
    for along in np.linspace(-length / 2, length / 2, 8 * reach):
        _add_between_pixels(path, reach + along * np.cos(angle), reach + along * np.sin(angle))
    return cv2.filter2D(image, -1, path / path.sum(), borderType=cv2.BORDER_REPLICATE)


def low_resolution(image: Image, strength: int, rng: np.random.Generator) -> Image:  # noqa: ARG001
    """Shrink to few pixels and enlarge again (`PIXELS_OF_SIDE`); small images stay unchanged."""
    height, width = image.shape[:2]
    factor = min(1.0, PIXELS_OF_SIDE[strength - 1] / _side(image))
    few = (max(1, round(width * factor)), max(1, round(height * factor)))
    shrunk = cv2.resize(image, few, interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_CUBIC)


def sensor_noise(image: Image, strength: int, rng: np.random.Generator) -> Image:
    """Add read noise and shot noise, whose variance grows with the light (`READ_NOISE`)."""
    read = READ_NOISE[strength - 1]
    signal = image.astype(np.float64)
    deviation = np.sqrt(read**2 + read * signal / 16)
    return _to_grey_levels(signal + deviation * rng.standard_normal(image.shape))


def under_exposure(image: Image, strength: int, rng: np.random.Generator) -> Image:
    """Darken in linear light; little but the noise of the dark remains (`STOPS_DOWN`)."""
    darkened = _expose(image, -STOPS_DOWN[strength - 1])
    return _to_grey_levels(darkened + DARK_NOISE * rng.standard_normal(image.shape))


def over_exposure(image: Image, strength: int, rng: np.random.Generator) -> Image:  # noqa: ARG001
    """Brighten in linear light and clip at white (`STOPS_UP`)."""
    return _expose(image, STOPS_UP[strength - 1])


def jpeg(image: Image, strength: int, rng: np.random.Generator) -> Image:  # noqa: ARG001
    """Compress and decompress as baseline JPEG (`JPEG_QUALITY`)."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY[strength - 1]]
    _, encoded = cv2.imencode(".jpg", image, quality)
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def occlusion(image: Image, strength: int, rng: np.random.Generator) -> Image:
    """Cover a share of the face region by a plain block of random shape and colour (`COVERED`)."""
    left, top, right, bottom = _face_region(image)
    share = COVERED[strength - 1]
    wide = rng.uniform(share, 1.0)  # share of the width; the height follows from the area
    width, height = round((right - left) * wide), round((bottom - top) * share / wide)
    x = int(rng.integers(left, right - width + 1))
    y = int(rng.integers(top, bottom - height + 1))
    covered = image.copy()
    covered[y : y + height, x : x + width] = rng.integers(20, 220, 3)
    return covered


def off_centre_crop(image: Image, strength: int, rng: np.random.Generator) -> Image:
    """End the picture within the face: beyond its border all is black (`COVERED`)."""
    left, top, right, bottom = _face_region(image)
    share = COVERED[strength - 1]
    across, down = round((right - left) * share), round((bottom - top) * share)
    cropped = image.copy()
    beyond = (
        np.s_[:, : left + across],
        np.s_[:, right - across :],
        np.s_[: top + down],
        np.s_[bottom - down :],
    )
    cropped[beyond[rng.integers(4)]] = 0
    return cropped


FAULTS: dict[str, Fault] = {
    function.__name__: function
    for function in (
        defocus,
        motion_blur,
        low_resolution,
        sensor_noise,
        under_exposure,
        over_exposure,
        jpeg,
        occlusion,
        off_centre_crop,
    )
}
"""Every fault by name."""


def _side(image: Image) -> int:
    return min(image.shape[:2])


def _face_region(image: Image) -> tuple[int, int, int, int]:
    height, width = image.shape[:2]
    left, top, right, bottom = FACE_REGION
    return round(left * width), round(top * height), round(right * width), round(bottom * height)


def _add_between_pixels(kernel: NDArray[np.float64], x: float, y: float) -> None:
    """Add a point of weight 1, shared by the four pixels around it (bilinear)."""
    column, row = int(x), int(y)
    right, lower = x - column, y - row
    kernel[row : row + 2, column : column + 2] += np.outer([1 - lower, lower], [1 - right, right])


def _expose(image: Image, stops: float) -> Image:
    """Scale linear light, taking 2.2 for the display gamma (sRGB's is close to it)."""
    levels = 255 * ((np.arange(256) / 255) ** 2.2 * 2.0**stops) ** (1 / 2.2)
    return cv2.LUT(image, _to_grey_levels(levels))


def _to_grey_levels(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
