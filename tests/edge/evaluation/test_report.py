import io
import json

import numpy as np
from rich.console import Console

from edge.evaluation.curves import FaultResult, OperatingPoint, Plan, SetResult
from edge.evaluation.report import Evaluation, Failure, as_json, reasons, tables
from engines.biometrics.bootstrap import Estimate, MeasureArea
from engines.biometrics.comparisons import Accuracy
from engines.biometrics.edc import Curve

CURVE = Curve(np.array([0.0, 0.25]), np.array([0.1, 0.05]), "fixed")
GOOD = MeasureArea(Estimate(0.512, 0.4, 0.6), Estimate(-0.1, -0.2, -0.05))
REFERENCE = MeasureArea(Estimate(0.612, 0.5, 0.7), Estimate(0.0, 0.0, 0.0))


def evaluation():
    points = (
        OperatingPoint(
            0.01, 0.3, 0.1, {"prefiqs": GOOD, "norm": REFERENCE}, {"prefiqs": CURVE}, None
        ),
        OperatingPoint(0.001, None, None, {}, {}, "cannot be measured with 100 pairs"),
    )
    return Evaluation(
        pair_id="0123456789ab",
        network="tiny",
        verified_with="ba9876543210",
        detector="mtcnn",
        plan=Plan(("prefiqs", "norm"), "norm", "fixed", 0),
        folds=["3"],
        degrade_seeds=[1, 2],
        degrade_share=0.4,
        images=12,
        sets=[SetResult("clean", 10, 20, 5, 2, Accuracy(0.99, 0.01, 5), points)],
        faults=[FaultResult("jpeg", 3, {"prefiqs": -0.75, "norm": None})],
        failures=[Failure("a.jpg", "clean", "a.jpg: no face found")],
        milliseconds={"prefiqs": 12.5, "norm": 6.25},
    )


def printed():
    console = Console(file=io.StringIO(), width=160, record=True)
    for table in tables(evaluation()):
        console.print(table)
    return console.export_text()


def test_json_holds_areas_intervals_curves_and_times():
    found = json.loads(as_json(evaluation()))
    point = found["sets"][0]["points"][0]
    assert point["areas"]["prefiqs"]["area"] == {"value": 0.512, "low": 0.4, "high": 0.6}
    assert point["areas"]["prefiqs"]["difference"]["high"] == -0.05
    assert point["curves"]["prefiqs"] == {"discard": [0.0, 0.25], "fnmr": [0.1, 0.05]}
    assert found["milliseconds"]["norm"] == 6.25
    assert found["plan"]["convention"] == "fixed"


def test_what_is_undefined_is_null_with_a_reason_in_json():
    point = json.loads(as_json(evaluation()))["sets"][0]["points"][1]
    assert (point["fnmr"], point["threshold"]) == (None, None)
    assert point["reason"] == "cannot be measured with 100 pairs"


def test_the_tables_show_area_interval_and_difference_with_its_sign():
    text = printed()
    assert "0.512 [0.400, 0.600]" in text
    assert "-0.100 [-0.200, -0.050]" in text
    assert "12.50" in text
    assert "99.00 ± 1.00 % (5 folds)" in text


def test_the_reference_has_no_difference_and_the_undefined_no_number():
    norm = next(line for line in printed().splitlines() if line.startswith("│ norm"))
    assert "0.612 [0.500, 0.700]" in norm
    assert "undefined" in norm
    assert "0.000" not in norm


def test_an_undefined_figure_is_explained_below_the_tables():
    assert list(reasons(evaluation())) == [
        "undefined on clean images at FMR 0.001: cannot be measured with 100 pairs"
    ]
