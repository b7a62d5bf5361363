"""
Quality components of ISO/IEC 29794-5 for one face: reasons that a person understands.

They say what to do about a low score ("light from one side", "too far away"), not how useful the
face is: the score says that. They decide nothing.
"""

import math
from collections.abc import Mapping

import numpy as np

from edge.gate.pose import Pose, pose
from edge.samples import DetectedFace, Pixels
from engines.errors import AlignmentError
from engines.quality.component import Component, scaled, sigmoid
from engines.quality.photometry import photometry
from engines.quality.specification import Landmarks

CHIN = 1.74
"""
Distance from the middle of the eyes to the chin over that to the middle of the mouth.

Source: ours, median of 128 photographs of different people, 0.12 standard deviation.
"""
NOSE = 0.5
"""Eye distances that the nose tip stands out before the eyes; see `edge.gate.pose`."""


COMPONENTS = (
    "illumination_uniformity",
    "luminance_mean",
    "luminance_variance",
    "under_exposure_prevention",
    "over_exposure_prevention",
    "dynamic_range",
    "sharpness",
    "no_compression_artifacts",
    "natural_colour",
    "inter_eye_distance",
    "head_size",
    "leftward_crop",
    "rightward_crop",
    "margin_above",
    "margin_below",
    "head_pose_yaw",
    "head_pose_pitch",
    "head_pose_roll",
)
"""Their names."""


def components(pixels: Pixels, face: DetectedFace) -> Mapping[str, Component]:
    """
    Return every component that can be told of a face, by its name in ISO/IEC 29794-5.

    Beside those of `engines.quality.photometry`, of which geometry needs no pixels:

    * `inter_eye_distance`: source pixels, as if the head were not turned; higher is better;
    * `head_size`: eyes to chin over the picture's height; best at 0.45, a portrait's;
    * `leftward_crop`, `rightward_crop`: eye distances from an eye to the picture's border;
    * `margin_above`, `margin_below`: eyes-to-chin distances from the eyes to the border;
    * `head_pose_yaw`, `head_pose_pitch`, `head_pose_roll`: degrees, 0 is best; positive is a turn
      to the picture's right, down, and clockwise. Yaw and pitch are estimates from five landmarks.

    Args:
        pixels: (height, width, 3) uint8 BGR, the whole picture.
        face: Found in it.

    Returns:
        Components by name; none for landmarks that span no face.

    Source: OFIQ (BSI), HeadSize, CropOfTheFaceImage, InterEyeDistance, HeadPose; its chin is a
        landmark, ours a proportion (`CHIN`); its angles are a network's.
    """
    head = pose(face.landmarks)
    if head is None:
        return {}
    try:
        seen = photometry(pixels, face.landmarks)
    except AlignmentError:
        return {}
    height, width = pixels.shape[:2]
    return {**seen, **_geometry(face.landmarks, head, width, height), **_angles(face, head)}


def _geometry(landmarks: Landmarks, head: Pose, width: int, height: int) -> dict[str, Component]:
    points = landmarks.astype(np.float64)
    left, right = points[:2]
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    distance = float(np.linalg.norm(right - left))
    to_chin = CHIN * float(np.linalg.norm(mouth - eyes))
    frontal = distance / math.cos(math.atan(head.yaw_ratio / NOSE))
    size = to_chin / height
    return {
        "inter_eye_distance": scaled(frontal, 100 * sigmoid(frontal, 70, 20)),
        "head_size": scaled(size, 200 * (1 - sigmoid(abs(size - 0.45), 0, 0.05))),
        "leftward_crop": _margin(float(left[0]) / distance, 0.9),
        "rightward_crop": _margin((width - float(right[0])) / distance, 0.9),
        "margin_above": _margin(float(eyes[1]) / to_chin, 1.4),
        "margin_below": _margin((height - float(eyes[1])) / to_chin, 1.8),
    }


def _margin(value: float, middle: float) -> Component:
    return scaled(value, 100 * sigmoid(value, middle, 0.1))


def _angles(face: DetectedFace, head: Pose) -> dict[str, Component]:
    points = face.landmarks.astype(np.float64)
    distance = float(np.linalg.norm(points[1] - points[0]))
    drop = float(np.linalg.norm(points[3:].mean(axis=0) - points[:2].mean(axis=0))) / distance
    return {
        "head_pose_yaw": _angle(math.degrees(math.atan(head.yaw_ratio / NOSE))),
        "head_pose_pitch": _angle(math.degrees(math.atan(head.pitch_ratio * drop / (2 * NOSE)))),
        "head_pose_roll": _angle(head.roll),
    }


def _angle(degrees: float) -> Component:
    """Return 100 cos^2, and 0 beyond a right angle (OFIQ, which comes back up there)."""
    towards = max(0.0, math.cos(math.radians(degrees)))
    return scaled(degrees, 100 * towards**2)
