"""An evaluation as JSON for programs and as tables for people."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.table import Table

from edge.evaluation.curves import LIMIT, FaultResult, OperatingPoint, Plan, SetResult
from edge.evaluation.groups import GroupsResult
from edge.evaluation.groups_report import group_tables
from edge.evaluation.score_bands import Band, bands_table
from engines.amounts import amount
from engines.biometrics.bootstrap import Estimate
from engines.whole_file import write_whole

SCHEMA = "edge-gate/evaluation/2"


@dataclass(frozen=True, slots=True)
class Failure:
    """An image without a measured face."""

    image: str
    version: str
    """`clean`, or the fault and its strength."""
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Everything one run of `edge evaluate` found."""

    pair_id: str
    network: str
    """Of that pair, by name."""
    verified_with: str
    """Pair whose dense network compared the faces; `pair_id` unless --verify-with was given."""
    detector: str
    plan: Plan
    folds: Sequence[str]
    """Names of the only folds looked at; empty means all."""
    degrade_seeds: Sequence[int]
    degrade_share: float
    images: int
    sets: Sequence[SetResult]
    faults: Sequence[FaultResult]
    failures: Sequence[Failure]
    milliseconds: Mapping[str, float]
    """
    Per aligned face by measure, alone, with the network passes it needs; median. Not of
    `verifying_norm`, which another network gives.
    """
    groups: GroupsResult | None = None
    """None where no groups were given."""
    bands: Mapping[str, Sequence[Band]] = field(default_factory=dict)
    """By set of images; empty where the quality score was not measured."""


def as_json(evaluation: Evaluation) -> str:
    """Return the evaluation as one JSON object; undefined figures are null with a `reason`."""
    fields = asdict(evaluation)
    fields["sets"] = [_set_fields(one) for one in evaluation.sets]
    return json.dumps({"schema": SCHEMA, "discard_limit": LIMIT, **fields}, allow_nan=False)


def write_json(evaluation: Evaluation, path: Path) -> None:
    """Write the JSON object to a file."""
    write_whole(path, f"{as_json(evaluation)}\n".encode())


def tables(evaluation: Evaluation) -> Iterator[Table]:
    """Yield the tables that a person reads: sets, measures, faults, scores, groups."""
    yield _sets_table(evaluation)
    yield _measures_table(evaluation)
    if evaluation.faults:
        yield _faults_table(evaluation)
    for name, bands in evaluation.bands.items():
        yield bands_table(name, bands)
    if evaluation.groups is not None:
        yield from group_tables(evaluation.groups)


def reasons(evaluation: Evaluation) -> Iterator[str]:
    """Yield in words why figures of the tables are undefined."""
    for one in evaluation.sets:
        for point in one.points:
            if point.reason is not None:
                yield f"undefined on {one.name} images at FMR {point.fmr:g}: {point.reason}"


def _set_fields(one: SetResult) -> dict[str, object]:
    fields = asdict(one)
    fields["points"] = [_point_fields(point) for point in one.points]
    return fields


def _point_fields(point: OperatingPoint) -> dict[str, object]:
    curves = {
        name: {"discard": curve.discard.tolist(), "fnmr": curve.fnmr.tolist()}
        for name, curve in point.curves.items()
    }
    areas = {name: asdict(area) for name, area in point.areas.items()}
    return {
        "fmr": point.fmr,
        "threshold": point.threshold,
        "fnmr": point.fnmr,
        "reason": point.reason,
        "areas": areas,
        "curves": curves,
    }


def _sets_table(evaluation: Evaluation) -> Table:
    table = Table(title=f"verification by {evaluation.verified_with}")
    for heading in ("images", "pairs", "comparisons", "mated", "excluded", "accuracy"):
        table.add_column(heading)
    for point in evaluation.sets[0].points:
        table.add_column(f"FNMR at FMR {point.fmr:g}")
    for one in evaluation.sets:
        numbers = (one.pairs, one.comparisons, one.mated, one.excluded)
        counts = (str(count) for count in numbers)
        table.add_row(one.name, *counts, _accuracy_text(one), *map(_fnmr_text, one.points))
    return table


def _accuracy_text(one: SetResult) -> str:
    if one.accuracy is None:
        return "one fold only"
    mean, deviation = 100 * one.accuracy.mean, 100 * one.accuracy.deviation
    return f"{mean:.2f} ± {deviation:.2f} % ({amount(one.accuracy.folds, 'fold')})"


def _fnmr_text(point: OperatingPoint) -> str:
    return "undefined" if point.fnmr is None else f"{100 * point.fnmr:.2f} %"


def _measures_table(evaluation: Evaluation) -> Table:
    plan = evaluation.plan
    table = Table(
        title=f"quality by {evaluation.pair_id}: pAUC over 0-{100 * LIMIT:.0f} % discard, "
        f"{plan.convention} convention, 1 = useless, lower is better",
        caption=f"[95 % bootstrap interval]; second line: minus that of {plan.reference}",
    )
    table.add_column("measure")
    for one in evaluation.sets:
        for point in one.points:
            table.add_column(f"{one.name} FMR {point.fmr:g}")
    table.add_column("ms per face", justify="right")
    points = [point for one in evaluation.sets for point in one.points]
    for measure in plan.measures:
        cells = (_area_text(point, measure, plan.reference) for point in points)
        cost = evaluation.milliseconds.get(measure)
        table.add_row(measure, *cells, "" if cost is None else f"{cost:.2f}")
    return table


def _area_text(point: OperatingPoint, measure: str, reference: str) -> str:
    if measure not in point.areas:
        return "undefined"
    area = point.areas[measure]
    text = f"{area.area.value:.3f} {_interval(area.area, '')}"
    if measure == reference:
        return text
    return f"{text}\n{area.difference.value:+.3f} {_interval(area.difference, '+')}"


def _interval(estimate: Estimate, sign: str) -> str:
    return f"\\[{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"


def _faults_table(evaluation: Evaluation) -> Table:
    table = Table(title="Spearman's rho of quality and strength (-1 = every step lowers it)")
    for heading in ("fault", "images", *evaluation.plan.measures):
        table.add_column(heading)
    for fault in evaluation.faults:
        values = (fault.correlations[measure] for measure in evaluation.plan.measures)
        cells = ("undefined" if value is None else f"{value:+.2f}" for value in values)
        table.add_row(fault.fault, str(fault.images), *cells)
    return table
