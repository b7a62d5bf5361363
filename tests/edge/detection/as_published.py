"""
The detectors as their files were published: every operator as it is, all inputs in one run, boxes
and landmarks one by one.
"""

import cv2
import numpy as np

from edge.detection import mtcnn, ultraface, yunet
from edge.detection.boxes import areas
from edge.detection.image_pyramid import cuts
from engines.onnxruntime.backend import open_network


class PublishedSession:
    """Stands where `DetectorSession` does."""

    together = 1
    prefers_pieces = False

    def __init__(self, file, _network, running):
        self._network = open_network(file, running.threads)

    def run(self, inputs):
        return self._network.run(inputs)


def suppress_one_by_one(boxes, scores, limit, *, of_smaller=False):
    """Go from the surest down and compare each that is kept with all that still wait."""
    area, kept = areas(boxes), []
    waiting = np.argsort(-scores, kind="stable")
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        ends = np.minimum(boxes[best, 2:], boxes[waiting, 2:])
        sides = np.maximum(ends - np.maximum(boxes[best, :2], boxes[waiting, :2]), 0)
        common = sides[:, 0] * sides[:, 1]
        smaller = np.minimum(area[best], area[waiting])
        whole = smaller if of_smaller else area[best] + area[waiting] - common
        waiting = waiting[common <= limit * whole]
    return np.array(kept, np.intp)


def landmarks_one_by_one(detector, levels, boxes):
    """Give UltraFace's landmark network one face at a time."""
    found = []
    for left, top, right, bottom in boxes:
        side = max(1, right - left, bottom - top)
        corner = np.array([left + right - side, top + bottom - side]) / 2
        corner += [0, ultraface.LOWERED * side]
        square = np.hstack([corner, corner + side]).astype(np.float32)
        (image,) = cuts(levels, square[None], ultraface.LANDMARK_SIZE)
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        (places,) = detector._place.run(grey[None, None].astype(np.float32) / np.float32(256))
        points = square[:2] + places.reshape(68, 2) * side
        found.append([points[list(rows)].mean(axis=0) for rows in ultraface.FIVE_OF_68])
    return np.array(found, np.float32)


def in_opencv(file, running, detector_score):
    """Let OpenCV run YuNet, whatever sizes its file takes."""
    return yunet._OpenCvNetwork(file, running.threads, detector_score)


def publish(monkeypatch):
    """Let detectors opened and run under this patch take the slow path."""
    for module in (mtcnn, ultraface):
        monkeypatch.setattr(module, "DetectorSession", PublishedSession)
        monkeypatch.setattr(module, "suppress", suppress_one_by_one)
    monkeypatch.setattr(ultraface.UltrafaceDetector, "_landmarks", landmarks_one_by_one)
    monkeypatch.setattr(yunet, "_opened", in_opencv)
