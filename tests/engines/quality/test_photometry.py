"""Each component falls under its own fault, and the others nearly stay."""

import cv2
import numpy as np
import pytest

from engines.biometrics.degrade import Degradation, degrade
from engines.errors import AlignmentError
from engines.quality.photometry import exposure, photometry
from tests.engines.quality.drawn_face import LANDMARKS, drawn_face

FACE = drawn_face()
CLEAN = photometry(FACE, LANDMARKS)
OWN = {
    "defocus": {"sharpness"},
    "motion_blur": {"sharpness"},
    "low_resolution": {"sharpness"},
    "under_exposure": {"under_exposure_prevention", "luminance_mean", "luminance_variance"},
    "over_exposure": {"over_exposure_prevention", "luminance_mean", "natural_colour"},
    "jpeg": {"no_compression_artifacts"},
    "sensor_noise": set(),
}
"""Faults of `degrade` and what has to fall. Blown-out skin is white, so its colour goes too."""
FELT = {"under_exposure": {"dynamic_range"}, "over_exposure": {"luminance_variance"}}
"""What may fall with it; the histograms of two cheeks agree less by chance, whatever the fault."""
CHANCE = "illumination_uniformity"


def seen(image, landmarks=LANDMARKS):
    return photometry(image, landmarks)


def degraded(fault, strength=3):
    return seen(degrade(FACE, Degradation(fault, strength), np.random.default_rng(0)))


def test_a_well_taken_face_is_good_in_everything():
    assert all(each.quality >= 70 for each in CLEAN.values())


@pytest.mark.parametrize("fault", OWN)
def test_the_components_of_a_fault_fall_and_no_others(fault):
    found = degraded(fault)
    fallen = {name for name in CLEAN if found[name].quality < CLEAN[name].quality - 40}
    assert OWN[fault] <= fallen <= OWN[fault] | FELT.get(fault, set())
    others = CLEAN.keys() - fallen - {CHANCE} - FELT.get(fault, set())
    assert all(found[name].quality > CLEAN[name].quality - 15 for name in others)


@pytest.mark.parametrize("fault", [fault for fault in OWN if OWN[fault]])
def test_a_stronger_fault_is_not_better(fault):
    weak, strong = degraded(fault, 1), degraded(fault, 5)
    for name in OWN[fault] - {"luminance_mean", "luminance_variance", "natural_colour"}:
        assert strong[name].quality < weak[name].quality


def test_light_from_one_side_is_seen_on_the_cheeks():
    falloff = np.linspace(1.0, 0.3, FACE.shape[1])[None, :, None]
    lit = seen((FACE * falloff).astype(np.uint8))
    assert lit["illumination_uniformity"].value < 0.1 < CLEAN["illumination_uniformity"].value


def test_equal_cheeks_are_wholly_uniform():
    flat = np.full((250, 250, 3), 128, np.uint8)
    assert seen(flat)["illumination_uniformity"].value == pytest.approx(1)


def test_blue_and_grey_faces_have_no_natural_colour():
    blue = FACE[..., ::-1]
    grey = cv2.cvtColor(cv2.cvtColor(FACE, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert seen(np.ascontiguousarray(blue))["natural_colour"].quality == 0
    assert seen(grey)["natural_colour"].quality == 0  # as the reference has it


def test_values_of_a_plain_face_follow_their_definitions():
    found = seen(np.full((250, 250, 3), 188, np.uint8))
    # 188 of 255 in sRGB is 0.503 of linear light: ((188 / 255 + 0.055) / 1.055) ** 2.4
    assert found["luminance_mean"].value == pytest.approx(0.503, abs=0.003)
    assert found["luminance_variance"].value == pytest.approx(0)
    assert found["dynamic_range"].value == pytest.approx(0)
    assert found["sharpness"].value == 0
    assert found["no_compression_artifacts"].value == 0


def test_exposure_is_the_share_of_the_face_at_the_ends():
    half = np.full((250, 250, 3), 128, np.uint8)
    half[:, 125:] = 255
    half[:125, :125] = 0
    found = seen(half)
    assert found["over_exposure_prevention"].value == pytest.approx(0.5, abs=0.02)
    assert 0.1 < found["under_exposure_prevention"].value < 0.3


@pytest.mark.parametrize("scale", [0.5, 2, 3])
def test_light_and_colour_do_not_depend_on_the_size_of_the_face(scale):
    other = cv2.resize(FACE, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = seen(other, LANDMARKS * np.float32(scale))
    for name in ("luminance_mean", "luminance_variance", "dynamic_range", "natural_colour"):
        assert found[name].quality == pytest.approx(CLEAN[name].quality, abs=10)


def test_blocks_are_found_wherever_their_grid_begins():
    coded = degrade(FACE, Degradation("jpeg", 3), np.random.default_rng(0))
    cut = np.ascontiguousarray(coded[3:, 5:])
    moved = seen(cut, LANDMARKS - np.array([5, 3], np.float32))["no_compression_artifacts"]
    assert moved.value == pytest.approx(degraded("jpeg")["no_compression_artifacts"].value, rel=0.2)


def test_one_straight_line_is_no_grid():
    lined = FACE.copy()
    lined[:, 128:] //= 2
    assert seen(lined)["no_compression_artifacts"].quality > 90


def test_compression_is_left_out_of_a_face_too_small_to_tell():
    tiny = cv2.resize(FACE, (30, 30), interpolation=cv2.INTER_AREA)
    assert "no_compression_artifacts" not in seen(tiny, LANDMARKS * np.float32(30 / 250))


def test_landmarks_that_span_no_face_are_an_error():
    with pytest.raises(AlignmentError):
        seen(FACE, np.zeros((5, 2), np.float32))


def test_exposure_is_what_both_components_say_of_a_face():
    pixels = np.random.default_rng(0).integers(0, 256, (120, 120, 3)).astype(np.uint8)
    landmarks = np.array([(45, 50), (75, 50), (60, 65), (48, 80), (72, 80)], np.float32)
    found = photometry(pixels, landmarks)
    names = ("under_exposure_prevention", "over_exposure_prevention")
    assert exposure(pixels, landmarks) == tuple(found[name].value for name in names)
