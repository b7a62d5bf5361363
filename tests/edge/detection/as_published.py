"""The detectors as their files were published: every operator as it is, all inputs in one run."""

import numpy as np

from edge.detection import mtcnn, ultraface
from edge.detection.boxes import areas
from engines.onnxruntime.backend import open_network


class PublishedSession:
    """Stands where `DetectorSession` does."""

    def __init__(self, file, threads, *_shapes):
        self._network = open_network(file, threads)

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


def publish(monkeypatch):
    """Let detectors opened and run under this patch take the slow path."""
    for module in (mtcnn, ultraface):
        monkeypatch.setattr(module, "DetectorSession", PublishedSession)
        monkeypatch.setattr(module, "suppress", suppress_one_by_one)
