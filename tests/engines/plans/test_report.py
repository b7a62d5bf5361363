"""Reports say what was measured, what was not, and what to run."""

import io
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from engines.graph.fp16_gate import Deviation, Fp16Figures
from engines.plans.check import PlanState
from engines.plans.forecast import Forecast, ForecastPlan
from engines.plans.report import acceptance_rows, forecast_report, plans_report
from engines.tensorrt.sidecar import DeviceAcceptance, OtherForm, read_sidecar
from tests.engines.tensorrt.plans import World, tiny_model

FIGURES = Fp16Figures(124, 6.2, "395", Deviation(0.99999, 6.3e-4, 0.034, 0.9995))
ACCEPTED = DeviceAcceptance(
    face_images=124,
    min_cosine=0.99998,
    shift_error=7e-4,
    rank_agreement=0.9994,
    latency_p50_ms=1.25,
    latency_p99_ms=1.75,
    faces_per_second=3210.4,
    passed=True,
)


def text_of(what: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=200, markup=False, highlight=False)
    console.print(what)
    return console.file.getvalue()  # type: ignore[attr-defined]


def forecast(*obstacles: str) -> Forecast:
    uneven = tuple((f"conv{i}", 25) for i in range(6))
    plan = ForecastPlan("dense-x.plan", "dense", 4_500_000, 0, uneven)
    return Forecast((plan,), "strong", 512 << 20, 1_800_000_000, FIGURES, obstacles)


@pytest.mark.parametrize(
    "words",
    [
        "dense-x.plan",
        "4.5 MB",
        "512 MiB",
        "on 124 faces",
        "6.2 in 395 (FP16 ends at 65504)",
        "3.4% of the shifts' interquartile range",
        "0.99950 of quality",
        "conv0 (25), conv1 (25), conv2 (25), conv3 (25) and 2 more",
        "can be built here",
    ],
)
def test_a_forecast_says_it_all(words):
    assert words in text_of(forecast_report(forecast(), "tensorrt"))


def test_a_forecast_with_an_obstacle_promises_nothing():
    shown = text_of(forecast_report(forecast("no driver"), "tensorrt"))
    assert "no driver" in shown
    assert "can be built here" not in shown


def test_a_plan_nobody_ran_says_which_command_does(tmp_path: Path):
    plan = World().write(tmp_path, tiny_model(tmp_path))
    shown = text_of(plans_report((PlanState(plan, read_sidecar(plan), ""),)))
    assert "not verified on a device yet: run 'edge-gate pair verify DIR --device'" in shown
    assert "8 multiprocessors" in shown


def test_a_plan_that_would_not_load_says_why(tmp_path: Path):
    shown = text_of(plans_report((PlanState(tmp_path / "x.plan", None, "another device"),)))
    assert "another device" in shown


def test_acceptance_gives_latency_and_throughput_with_their_units():
    rows = dict(acceptance_rows(ACCEPTED))
    assert rows["one face"].startswith("1.25 ms p50, 1.75 ms p99")
    assert rows["largest batch"] == "3,210 faces per second"


@pytest.mark.parametrize(("passed", "why"), [(True, "slower"), (False, "not as FP32")])
def test_acceptance_tells_of_the_plans_that_were_not_kept_and_why(passed, why):
    other = OtherForm(prelu="joined", latency_p50_ms=2.5, faces_per_second=400, passed=passed)
    rows = dict(acceptance_rows(ACCEPTED.model_copy(update={"other_form": other})))
    assert rows["other PRelu"] == f"one operator: 2.50 ms p50, {why}, not kept"
    assert "other PRelu" not in dict(acceptance_rows(ACCEPTED))
