"""What a pair's measure is worth beside the free embedding norm, as its manifest says."""

from dataclasses import dataclass, replace

from engines.biometrics.bootstrap import Estimate
from engines.catalogue.values import Quality

FLATTERED: dict[Quality, float] = {"own": 0.1, "gate": 0.1, "both": 0.05}
"""
By how much the figure is too low of measures that a recipe takes part in: the same figure chose it.

Means over five networks of what labelled photographs say less what the figure says, rounded up to
0.05; those of four of them, each left out in turn, advise the same on the fifth (docs/measured.md).
"""

SURELY_BETTER = 1 - FLATTERED["own"]
"""Upper end of the ratio's interval below which a pair is better than the norm, of any recipe."""


@dataclass(frozen=True, slots=True)
class Merit:
    """
    Error versus discard on self-made comparisons; see `engines.calibration.self_made`.

    Areas are normalised partial areas, meaned over two kinds of comparisons and FMR 1e-2 and 1e-3:
    1 is useless, lower is better.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    area: Estimate
    """Of the pair's measure."""
    norm: Estimate
    """Of the norm of the raw embedding."""
    ratio: Estimate
    """The one over the other; below 1 the measure is better than the norm."""
    between: float | None = None
    """Share of its variance between people (ranks of clean faces); smaller is fairer."""
    norm_between: float | None = None
    """That of the norm."""
    better_below: float = SURELY_BETTER
    """The upper end of the ratio below which the measure is called better than the norm."""

    @property
    def forecast(self) -> float:
        """The ratio to expect on other faces."""
        return self.ratio.value + 1 - self.better_below

    @property
    def verdict(self) -> str:
        """`better` than the norm, `worse`, or `alike` where that cannot be told."""
        if self.ratio.high < self.better_below:
            return "better"
        return "worse" if self.ratio.low > 1 else "alike"


def of_quality(merit: Merit, quality: Quality) -> Merit:
    """Return the merit of a measure with what its figure flatters it by."""
    return replace(merit, better_below=1 - FLATTERED.get(quality, 0.0))


def merit_text(merit: Merit) -> str:
    """Return in a sentence whether a measure beats the norm."""
    verdict = {
        "better": "better than the norm",
        "alike": "not told from the norm",
        "worse": "worse than the norm",
    }[merit.verdict]
    return (
        f"figure of merit {estimate_text(merit.area)}, embedding norm {estimate_text(merit.norm)}, "
        f"ratio {estimate_text(merit.ratio)} (self-made comparisons, 95 % intervals)"
        f"{_forecast_text(merit)}: {verdict}{_people_text(merit)}"
    )


def _forecast_text(merit: Merit) -> str:
    if merit.better_below == 1:
        return ""
    return f", {merit.forecast:.2f} to be expected of other people"


def _people_text(merit: Merit) -> str:
    if merit.between is None or merit.norm_between is None:
        return ""
    return f"; variance between people {merit.between:.0%}, norm {merit.norm_between:.0%}"


def estimate_text(estimate: Estimate, sign: str = "") -> str:
    """Return a figure and its interval, such as `0.343 [0.310, 0.377]`."""
    value, low, high = (
        f"{each:{sign}.3f}" for each in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} [{low}, {high}]"
