"""Real portraits of the catalogue, whole or set into a larger frame."""

import cv2
import numpy as np

from engines.build.golden_faces import photographs_of, read_golden, read_photograph


def portrait(file):
    """Return a portrait's pixels and its committed landmarks."""
    golden = next(face for face in read_golden() if face.file == file)
    pixels = read_photograph(photographs_of([golden.entry])[golden.entry, file])
    return pixels, golden.landmarks


def inter_eye(landmarks):
    return float(np.linalg.norm(landmarks[1] - landmarks[0]))


def head(file, inter_eye_distance):
    """Return a head with its hair and chin, scaled to a distance between the eyes, in pixels."""
    pixels, landmarks = portrait(file)
    reach = 1.7 * inter_eye(landmarks)
    left, top = np.maximum(landmarks[2] - reach, 0).astype(int)
    right, bottom = (landmarks[2] + reach).astype(int)
    scale = inter_eye_distance / inter_eye(landmarks)
    cut = pixels[top:bottom, left:right]
    return cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def frame_with(heads, width=1920, height=1080):
    """Return a grey frame with each head's top left corner at its place."""
    frame = np.full((height, width, 3), 96, np.uint8)
    for pixels, (left, top) in heads:
        frame[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return frame
