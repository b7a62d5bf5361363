import numpy as np
import pytest
from PIL import Image

from edge.evaluation.curves import FaultResult, OperatingPoint, SetResult
from edge.evaluation.measure_names import MEASURES
from edge.evaluation.plot import draw, look
from engines.biometrics.bootstrap import Estimate, MeasureArea
from engines.biometrics.edc import Curve

pytest.importorskip("matplotlib", reason="the picture needs the extra `evaluate`")

AREA = MeasureArea(Estimate(0.5, 0.4, 0.6), Estimate(-0.1, -0.2, 0.0))


def point(fnmr):
    curve = Curve(np.array([0.0, 0.2]), np.array(fnmr), "fixed")
    return OperatingPoint(0.01, 0.3, fnmr[0], {"norm": AREA}, {"norm": curve}, None)


def undefined():
    return OperatingPoint(0.001, None, None, {}, {}, "cannot be measured with 100 pairs")


def drawn(tmp_path, point_left, faults):
    path = tmp_path / "evaluation.png"
    one = SetResult("clean", 10, 10, 5, 0, None, (point_left, undefined()))
    draw([one], faults, "title", path)
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_curves_are_drawn_as_they_fall(tmp_path):
    falling = drawn(tmp_path, point([0.4, 0.1]), [])
    level = drawn(tmp_path, point([0.4, 0.4]), [])
    assert falling.shape == level.shape
    assert (falling != level).any()


def test_faults_take_a_row_of_their_own_and_an_undefined_correlation_no_bar(tmp_path):
    one = FaultResult("jpeg", 9, {"norm": -0.9})
    none = FaultResult("jpeg", 0, {"norm": None})
    bar = drawn(tmp_path, point([0.4, 0.1]), [one])
    gap = drawn(tmp_path, point([0.4, 0.1]), [none])
    assert bar.shape[0] > drawn(tmp_path, point([0.4, 0.1]), []).shape[0] * 1.5
    blue = [0, 0x72, 0xB2]
    assert (bar == blue).all(axis=2).sum() > (gap == blue).all(axis=2).sum() + 1000


def test_more_measures_than_colours_are_still_told_apart():
    looks = [look(number) for number in range(2 * len(MEASURES))]
    assert len({(colour, line) for colour, line, _ in looks}) == len(looks)
    assert len({(colour, hatch) for colour, _, hatch in looks}) == len(looks)
