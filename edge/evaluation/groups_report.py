"""The tables of an evaluation by groups."""

from collections.abc import Iterator

from rich.table import Table

from edge.evaluation.groups import GroupsResult
from engines.amounts import amount
from engines.biometrics.bootstrap import Estimate
from engines.biometrics.differentials import QUANTILES

UNDEFINED = "undefined"


def group_tables(found: GroupsResult) -> Iterator[Table]:
    """Yield a table of the groups and one of the measures."""
    yield _groups_table(found)
    yield _measures_table(found)


def _groups_table(found: GroupsResult) -> Table:
    without = amount(found.without_group, "image has", "images have")
    table = Table(
        title=f"groups at the quality score {found.threshold:g}: {found.forwarded:.1%} of all "
        f"images are forwarded; {without} no group",
        caption="[95 % bootstrap interval over people]; FNMR at one threshold for all groups",
    )
    for heading in ("group", "people", "images", "forwarded"):
        table.add_column(heading)
    table.add_column(f"score at {', '.join(f'{100 * q:.0f}' for q in QUANTILES)} %")
    for errors in found.groups[0].errors:
        table.add_column(f"FNMR at FMR {errors.fmr:g}")
        table.add_column("of forwarded")
    for each in found.groups:
        scores = " ".join(f"{score:.0f}" for score in each.scores)
        rates = [rate for one in each.errors for rate in (one.fnmr, one.fnmr_forwarded)]
        counts = (each.group, str(each.people), str(each.images))
        table.add_row(*counts, _share(each.forwarded), scores, *map(_share, rates))
    return table


def _measures_table(found: GroupsResult) -> Table:
    table = Table(
        title="measures: share of the variance between people, and ratio of the groups' shares "
        f"where each lets {found.forwarded:.1%} of the images pass",
        caption="[95 % bootstrap interval over people]; a ratio of 1 treats the groups alike",
    )
    for heading in ("measure", "between people", "ratio", "lowest", "highest"):
        table.add_column(heading)
    for name, each in found.measures.items():
        between, ratio = (_number(one) for one in (each.variance_between, each.ratio))
        table.add_row(name, between, ratio, each.lowest, each.highest)
    return table


def _share(found: Estimate | None) -> str:
    if found is None:
        return UNDEFINED
    return f"{found.value:.1%} \\[{100 * found.low:.1f}, {100 * found.high:.1f}]"


def _number(found: Estimate | None) -> str:
    if found is None:
        return UNDEFINED
    return f"{found.value:.2f} \\[{found.low:.2f}, {found.high:.2f}]"
