"""A quality network of the user's as a measure."""

import numpy as np
import pytest

from edge.errors import UsageError
from edge.evaluation.measures import Sample
from edge.evaluation.rivals import open_rivals, rival_entries
from tests.edge.canned import upright_face
from tests.quality_networks import write_brightness


def sample_of(pixels, left=100.0):
    nothing = np.zeros((1, 4), np.float32)
    return Sample(pixels, upright_face(left), np.zeros((1, 20, 16, 3), np.uint8), nothing, nothing)


def quality(path, sample):
    (measure,) = open_rivals(rival_entries([path])).values()
    return measure.quality(sample)


def test_a_rival_sees_the_face_aligned_in_its_own_way(tmp_path):
    pixels = np.zeros((400, 800, 3), np.uint8)
    pixels[:, :400] = 255
    path = write_brightness(tmp_path)
    assert quality(path, sample_of(pixels)) == pytest.approx(1, abs=1e-3)
    assert quality(path, sample_of(pixels, left=600)) == pytest.approx(0, abs=1e-3)


def test_lower_being_better_turns_the_order(tmp_path):
    bright = sample_of(np.full((400, 800, 3), 200, np.uint8))
    assert quality(write_brightness(tmp_path, "lower"), bright) == pytest.approx(
        -200 / 255, abs=1e-3
    )


def test_what_decides_a_rivals_values_is_among_its_settings(tmp_path):
    path = write_brightness(tmp_path)
    (before,) = open_rivals(rival_entries([path])).values()
    write_brightness(tmp_path, ending="Sigmoid")
    (other_file,) = open_rivals(rival_entries([path])).values()
    write_brightness(tmp_path, "lower", ending="Sigmoid")
    (other_direction,) = open_rivals(rival_entries([path])).values()
    assert len({before.settings, other_file.settings, other_direction.settings}) == 3


@pytest.mark.parametrize("name", ["norm", "brightness"])
def test_two_measures_of_one_name_are_refused(tmp_path, name):
    first = write_brightness(tmp_path)
    second = tmp_path / "other.yaml"
    second.write_text(first.read_text().replace("name: brightness\n", f"name: {name}\n"))
    with pytest.raises(UsageError, match=f"named '{name}' already"):
        rival_entries([first, second])
