import csv

import numpy as np

from edge.evaluation.curves import OperatingPoint, SetResult
from edge.evaluation.edc_table import write_edc
from engines.biometrics.edc import Curve


def a_set(**curves):
    points = (
        OperatingPoint(0.01, 0.3, 0.4, {}, curves, None),
        OperatingPoint(0.001, None, None, {}, {}, "cannot be measured with 100 pairs"),
    )
    return SetResult("clean", 10, 10, 5, 0, None, points)


def test_each_step_of_each_curve_is_a_row(tmp_path):
    norm = Curve(np.array([0.0, 0.2]), np.array([0.4, 0.1]), "fixed")
    assert write_edc([a_set(norm=norm)], tmp_path / "edc.csv") == 1
    with (tmp_path / "edc.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [tuple(row.values()) for row in rows] == [
        ("clean", "0.01", "norm", "fixed", "0", "0.4"),
        ("clean", "0.01", "norm", "fixed", "0.2", "0.1"),
    ]


def test_no_curve_leaves_a_head_alone(tmp_path):
    assert write_edc([a_set()], tmp_path / "edc.csv") == 0
    assert (tmp_path / "edc.csv").read_text() == "images,fmr,measure,convention,discard,fnmr\n"
