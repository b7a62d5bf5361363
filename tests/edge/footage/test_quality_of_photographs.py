"""The point of it all, on real photographs, with the default network, detector and recipe."""

from functools import partial

import cv2
import numpy as np
import pytest

from edge.config.model import DetectorSettings, GateSettings
from edge.detection.open import open_detector
from edge.gate.assess import assess_frame
from edge.samples import Frame
from edge.sources.images import read_image
from engines.catalogue.catalogue import fetch, find_entry
from engines.pair.pair import open_pair
from engines.quality.align import align

pytestmark = pytest.mark.registry

FRONTAL = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg", "sample6.jpg", "sample3.jpg")


def defocused(pixels, nose, across):  # noqa: ARG001 -- all faults are called alike
    return cv2.GaussianBlur(pixels, (0, 0), 0.10 * across)


def darkened(pixels, nose, across):  # noqa: ARG001
    noise = np.random.default_rng(3).normal(0, 4, pixels.shape)
    return np.clip(pixels * 0.04 + noise, 0, 255).astype(np.uint8)


def shrunk(pixels, nose, across):  # noqa: ARG001
    scale = 5 / across
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, pixels.shape[1::-1], interpolation=cv2.INTER_CUBIC)


def occluded(pixels, nose, across):
    hidden = pixels.copy()
    left, right = int(nose[0] - 1.2 * across), int(nose[0] + 1.2 * across)
    top, bottom = int(nose[1] - 0.2 * across), int(nose[1] + 1.6 * across)
    hidden[max(0, top) : bottom, max(0, left) : right] = (60, 60, 60)
    return hidden


@pytest.fixture(scope="module")
def pair(default_pair):
    with open_pair(default_pair, 2) as opened:
        yield opened


@pytest.fixture(scope="module")
def assess(pair):
    detector = open_detector(DetectorSettings())
    gate = GateSettings()
    return partial(assess_frame, detector=detector, pair=pair, gate=gate, score_discarded=True)


@pytest.fixture(scope="module")
def frontal(assess):
    """The clearest face of each photograph, with the photograph's pixels."""
    paths = {path.name: path for path in fetch(find_entry("demo-photographs"))}
    found = []
    for name in FRONTAL:
        pixels = read_image(paths[name])
        faces = assess(Frame(pixels, name, 0, None))
        found.append((pixels, min(faces, key=lambda face: face.quality.shift)))
    return found


def shift_after(fault, pixels, face, pair):
    """The same landmarks are used, so that only the face image differs; all else is cut off."""
    landmarks, across = face.face.landmarks, face.inter_eye_distance
    left, top = np.maximum(landmarks[2] - 3 * across, 0).astype(int)
    right, bottom = (landmarks[2] + 3 * across).astype(int)
    there = landmarks - np.array([left, top], landmarks.dtype)
    faulty = fault(pixels[top:bottom, left:right], there[2], across)
    image = align(faulty, there, pair.specification)
    return float(pair.assess(image[None]).shift[0])


@pytest.mark.parametrize("fault", [defocused, darkened, shrunk, occluded])
def test_a_clear_frontal_face_scores_above_its_own_damaged_version(fault, frontal, pair):
    worse = [
        shift_after(fault, pixels, face, pair) > face.quality.shift for pixels, face in frontal
    ]
    assert worse == [True] * len(frontal)


def test_clear_frontal_faces_are_forwarded_with_the_default_threshold(frontal):
    assert [face.verdict.reason.value for _, face in frontal] == ["forwarded"] * len(frontal)


def test_heavily_damaged_faces_are_not_forwarded(frontal, pair):
    shifts = np.array(
        [shift_after(shrunk, pixels, face, pair) for pixels, face in frontal], np.float32
    )
    assert (pair.mapping.score(shifts) < GateSettings().threshold).all()
