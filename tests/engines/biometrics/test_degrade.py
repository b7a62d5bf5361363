from collections import Counter

import numpy as np
import pytest
from skimage import data

from engines.biometrics.degrade import (
    FAULTS,
    STRENGTHS,
    Degradation,
    assigned_degradation,
    degrade,
    generator_of,
    with_margin,
    without_margin,
)
from engines.quality.specification import InputSpecification

PORTRAIT = np.ascontiguousarray(data.astronaut()[0:240, 100:340, ::-1])  # face in the middle, BGR
SPECIFICATION = InputSpecification(
    112,
    112,
    "bgr",
    127.5,
    128.0,
    "nchw",
    ((38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)),
)


def distance(degraded):
    return float(np.abs(degraded.astype(float) - PORTRAIT).mean())


def degraded(fault, strength, seed=0):
    return degrade(PORTRAIT, Degradation(fault, strength), np.random.default_rng(seed))


@pytest.mark.parametrize("fault", FAULTS)
def test_distance_from_the_original_grows_with_strength_on_average(fault):
    distances = [
        np.mean([distance(degraded(fault, strength, seed)) for seed in range(8)])
        for strength in STRENGTHS
    ]
    assert distances[0] > 0
    assert np.all(np.diff(distances) > 0)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_same_seed_gives_the_same_image_and_the_original_stays(fault):
    before = PORTRAIT.copy()
    assert np.array_equal(degraded(fault, 3), degraded(fault, 3))
    assert np.array_equal(PORTRAIT, before)


@pytest.mark.parametrize("fault", ["motion_blur", "sensor_noise", "occlusion", "off_centre_crop"])
def test_faults_with_a_direction_place_or_noise_differ_by_seed(fault):
    images = {degraded(fault, 3, seed).tobytes() for seed in range(8)}
    assert len(images) > 1


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("shape", [(56, 80, 3), (168, 168, 3), (3, 2, 3)])
def test_every_fault_keeps_shape_and_type_of_any_image(fault, shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for strength in STRENGTHS:
        result = degrade(image, Degradation(fault, strength), np.random.default_rng(0))
        assert result.shape == shape
        assert result.dtype == np.uint8


@pytest.mark.parametrize("fault", ["defocus", "motion_blur", "low_resolution"])
def test_blurs_keep_the_mean_brightness(fault):
    assert degraded(fault, 4).mean() == pytest.approx(PORTRAIT.mean(), abs=1.5)  # grey levels


@pytest.mark.parametrize("fault", ["defocus", "motion_blur"])
def test_blurs_leave_a_flat_image_alone(fault):
    flat = np.full((100, 100, 3), 77, np.uint8)
    assert np.array_equal(degrade(flat, Degradation(fault, 5), np.random.default_rng(0)), flat)


def test_motion_blur_spreads_a_point_over_the_documented_length():
    point = np.zeros((201, 201, 3), np.uint8)
    point[100, 100] = 255
    blurred = degrade(point, Degradation("motion_blur", 5), np.random.default_rng(0))
    rows, columns = np.nonzero(blurred[..., 0])
    assert np.hypot(np.ptp(rows), np.ptp(columns)) == pytest.approx(0.12 * 201, abs=3)  # soft rim


def test_noise_grows_with_the_light():
    dark, bright = np.full((2, 200, 200, 3), [[[[30]]], [[[190]]]], np.uint8)
    noisy = [
        degrade(image, Degradation("sensor_noise", 2), np.random.default_rng(0)).std()
        for image in (dark, bright)
    ]
    assert noisy[1] > noisy[0] * 1.2


def test_over_exposure_loses_what_exceeds_white_and_under_exposure_what_is_below_a_level():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    rng = np.random.default_rng(0)
    bright, dark = (
        degrade(ramp, Degradation(fault, 5), rng) for fault in ("over_exposure", "under_exposure")
    )
    assert np.sum(bright[0, :, 0] == 255) > 100
    assert len(np.unique(dark)) < 64


@pytest.mark.parametrize(("strength", "share"), list(enumerate([0.1, 0.2, 0.3, 0.4, 0.5], 1)))
def test_occlusion_covers_the_documented_share_of_the_face_region(strength, share):
    white = np.full((500, 500, 3), 255, np.uint8)
    covered = degrade(white, Degradation("occlusion", strength), np.random.default_rng(3))
    region = 0.42 * 500 * 0.52 * 500
    assert np.mean((covered != 255).any(axis=2)) * 500 * 500 == pytest.approx(
        share * region, rel=0.02
    )


@pytest.mark.parametrize("strength", [0, 6])
def test_a_strength_outside_one_to_five_is_refused(strength):
    with pytest.raises(ValueError, match="strength"):
        Degradation("jpeg", strength)


def test_an_unknown_fault_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="defocus"):
        Degradation("fog", 1)


def test_a_share_of_the_images_is_degraded_by_every_fault_and_strength():
    assigned = [assigned_degradation(f"{i}.jpg", 7, 0.4) for i in range(4000)]
    chosen = [one for one in assigned if one]
    assert len(chosen) / 4000 == pytest.approx(0.4, abs=0.03)
    counts = Counter((one.fault, one.strength) for one in chosen)
    assert len(counts) == len(FAULTS) * len(STRENGTHS)


def test_an_assignment_depends_on_name_and_seed_alone():
    names = [f"{i}.jpg" for i in range(50)]
    first = {name: assigned_degradation(name, 1, 0.5) for name in names}
    again = {name: assigned_degradation(name, 1, 0.5) for name in reversed(names)}
    other = {name: assigned_degradation(name, 2, 0.5) for name in names}
    assert first == again
    assert first != other


def test_generators_of_different_images_and_purposes_differ():
    draws = {
        generator_of(name, 1, purpose).random() for name in ("a", "b") for purpose in ("x", "y")
    }
    assert len(draws) == 4


def test_cutting_the_margin_gives_back_the_face_image_and_its_template():
    wide = with_margin(SPECIFICATION)
    images = np.zeros((2, wide.height, wide.width, 3), np.uint8)
    x, y = (round(value) for value in wide.template[2])
    images[:, y, x] = 255
    cut = without_margin(images, SPECIFICATION)
    assert cut.shape == (2, 112, 112, 3)
    nose_x, nose_y = (round(value) for value in SPECIFICATION.template[2])
    assert cut[0, nose_y, nose_x, 0] == 255
