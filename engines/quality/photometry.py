"""
What a person would say of a face picture: how it is lit, exposed, coloured, focused, compressed.

These are quality components of ISO/IEC 29794-5 that need no further network, computed as the
standard's reference implementation does (OFIQ of the German BSI, OFIQlib/modules/measures): on the
face aligned to 616x616 pixels, within the region that its landmarks span, from luminance. Each has
a native value and a quality of 0 to 100, higher is better, by the reference's own mapping.

Three things differ, because the reference has networks or trees for them:

* the region is fixed in the aligned picture (`canonical_face.REGION`), where the reference finds
  98 landmarks;
* no mask of what covers the face is taken off it;
* sharpness and compression are plain measures with mappings of ours, where the reference has a
  random forest and a network: see `engines.quality.texture`.
"""

import math
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.quality.align import align, similarity_transform
from engines.quality.canonical_face import ALIGNED, SIDE, region
from engines.quality.component import Component, scaled, sigmoid
from engines.quality.specification import Landmarks
from engines.quality.texture import no_compression, sharpness

Image = NDArray[np.uint8]

DARK, LIGHT = range(26), range(247, 256)
"""Luminances that count as under-exposed and over-exposed (OFIQ, darkRange and lightRange)."""


def photometry(pixels: Image, landmarks: Landmarks) -> Mapping[str, Component]:
    """
    Return the components that are seen in the pixels of one face.

    * `illumination_uniformity`: overlap of the luminance histograms of both cheeks, 0 to 1 (alike);
    * `luminance_mean`: of the face, 0 to 1, in linear light; best between 0.3 and 0.7;
    * `luminance_variance`: of the same, 0 to 0.25; best near 0.017;
    * `under_exposure_prevention`, `over_exposure_prevention`: share of the face that is darker than
      26 or lighter than 246 of 255, 0 to 1, lower is better;
    * `dynamic_range`: entropy of the luminance histogram, 0 to 8 bit, higher is better;
    * `sharpness`: detail that blurring takes away, 0 to 1, higher is better (ours);
    * `no_compression_artifacts`: steps at the edges of blocks of 8 pixels in mean steps, 0 is none;
      left out where the face is smaller than four blocks (ours);
    * `natural_colour`: distance of the cheeks' colour from that of skin in CIELAB, 0 is best;
      100 for grey pictures, as the reference has it.

    Args:
        pixels: (height, width, 3) uint8 BGR, the whole picture.
        landmarks: (5, 2) in its pixels.

    Raises:
        AlignmentError: The landmarks span no face.
    """
    aligned = align(pixels, landmarks, ALIGNED)
    luminance = _luminance(aligned)
    inside = luminance[region(SIDE)]
    cheeks = _cheeks(landmarks)
    found = {
        "illumination_uniformity": _uniformity(*(luminance[cheek] for cheek in cheeks)),
        **_levels(inside),
        "sharpness": sharpness(aligned),
        "natural_colour": _natural_colour(np.concatenate([aligned[each] for each in cheeks], 1)),
    }
    if (compression := no_compression(pixels, landmarks)) is not None:
        found["no_compression_artifacts"] = compression
    return found


def exposure(pixels: Image, landmarks: Landmarks) -> tuple[float, float]:
    """
    Return which shares of a face are under-exposed and over-exposed, 0 to 1; lower is better.

    The native values of `under_exposure_prevention` and `over_exposure_prevention`, without the
    other components, which cost more.

    Args:
        pixels: (height, width, 3) uint8 BGR, the whole picture.
        landmarks: (5, 2) in its pixels.

    Raises:
        AlignmentError: The landmarks span no face.
    """
    luminance = _luminance(align(pixels, landmarks, ALIGNED))
    return _exposed(_histogram(luminance[region(SIDE)]))


def _exposed(share: NDArray[np.float64]) -> tuple[float, float]:
    """Return the shares of `DARK` and of `LIGHT` in a luminance histogram."""
    return float(share[list(DARK)].sum()), float(share[list(LIGHT)].sum())


def _linear(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return linear light of values of sRGB, both 0 to 1 (IEC 61966-2-1)."""
    return np.where(value > 0.04045, ((value + 0.055) / 1.055) ** 2.4, value / 12.92)


BT_709 = np.array([[0.0722, 0.7152, 0.2126]], np.float32)
"""Shares of blue, green and red in luminance (ITU-R BT.709)."""
LINEAR = _linear(np.arange(256) / 255).astype(np.float32)


def _luminance(image: Image) -> Image:
    """Return luminance, 0 to 255 in linear light (OFIQ, GetLuminanceImageFromBGR)."""
    linear = cv2.LUT(image, LINEAR)
    return (255 * cv2.transform(linear, BT_709) + np.float32(0.5)).astype(np.uint8)


def _histogram(luminance: Image) -> NDArray[np.float64]:
    return np.bincount(luminance.ravel(), minlength=256) / luminance.size


def _cheeks(landmarks: Landmarks) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return both zones in the aligned picture (OFIQ, CalculateRegionOfInterest)."""
    template = np.array(ALIGNED.template, np.float32)
    transform = similarity_transform(landmarks, template)
    points = landmarks.astype(np.float64) @ transform[:, :2].T + transform[:, 2]
    first, second = points[:2]
    size = max(1, int(0.3 * np.linalg.norm(second - first)))
    down = int(np.linalg.norm(points[3:].mean(axis=0) - points[:2].mean(axis=0)) / 2)
    left = _zone(first[0] - size, first[1] + down, size)
    return left, _zone(second[0], second[1] + down, size)


def _zone(x: float, y: float, size: int) -> tuple[slice, slice]:
    left, top = (int(min(max(each, 0), SIDE - size)) for each in (x, y))
    return slice(top, top + size), slice(left, left + size)


def _uniformity(left: Image, right: Image) -> Component:
    overlap = float(np.minimum(_histogram(left), _histogram(right)).sum())
    return scaled(overlap, 100 * overlap**0.3)


def _levels(luminance: Image) -> Mapping[str, Component]:
    """Return what follows from the luminance histogram of the face (OFIQ, one file for each)."""
    share = _histogram(luminance)
    level = np.arange(256) / 255
    mean = float(share @ level)
    variance = float(share @ (level - mean) ** 2)
    dark, light = _exposed(share)
    present = share[share > 0]
    entropy = float(-(present * np.log2(present)).sum())
    middle = 100 * sigmoid(mean, 0.2, 0.05) * (1 - sigmoid(mean, 0.8, 0.05))
    return {
        "luminance_mean": scaled(mean, middle),
        "luminance_variance": scaled(
            variance, 100 * math.sin(60 * variance / (60 * variance + 1) * math.pi)
        ),
        "under_exposure_prevention": scaled(dark, 120 * (0.832 - sigmoid(dark, 0.92, 0.05))),
        "over_exposure_prevention": scaled(light, 1 / (light + 0.01)),
        "dynamic_range": scaled(entropy, 12.5 * entropy),
    }


def _natural_colour(cheeks: Image) -> Component:
    """Return how far the mean colour lies outside a* of 5 to 25 and b* of 5 to 35 (OFIQ)."""
    a, b = _chromaticity(cheeks.reshape(-1, 3).mean(axis=0)[::-1] / 255)
    away = [max(5 - a, a - 25, 0.0), max(5 - b, b - 35, 0.0)]
    distance = math.hypot(*away) if a >= 0 and b >= 0 else 100.0
    return scaled(distance, 200 * (1 - sigmoid(distance, 0, 10)))


def _chromaticity(rgb: NDArray[np.float64]) -> tuple[float, float]:
    """Return a* and b* under D50 of one colour in sRGB, 0 to 1 (OFIQ, ConvertBGRToCIELAB)."""
    x, y, z = TO_XYZ @ _linear(rgb) / WHITE
    x, y, z = (math.cbrt(v) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in (x, y, z))
    return 500 * (x - y), 200 * (y - z)


TO_XYZ = np.array(
    [[0.43605, 0.38508, 0.14309], [0.22249, 0.71689, 0.06062], [0.01393, 0.0971, 0.71419]]
)
WHITE = np.array([0.964221, 1.0, 0.825211])
"""sRGB to CIE XYZ adapted to D50, and its white (OFIQ)."""
