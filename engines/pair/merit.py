"""What a pair's measure is worth beside the free embedding norm, as its manifest says."""

from dataclasses import dataclass, replace

from engines.biometrics.bootstrap import Estimate

SURELY_BETTER = 0.9
"""
Upper end of the ratio's interval below which a measure is called better than the norm.

Not 1: the recipe was chosen by the same figure, and golden faces are few. On five networks, each
left out, the ratio was up to 0.2 too low; set after that was seen (docs/measured.md).
"""

SURELY_BETTER_OF_SEVERAL_MASKS = 0.8
"""The same for two or three, the best of many more; set after the five networks were seen too."""


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
    def verdict(self) -> str:
        """`better` than the norm, `worse`, or `alike` where that cannot be told."""
        if self.ratio.high < self.better_below:
            return "better"
        return "worse" if self.ratio.low > 1 else "alike"


def of_masks(merit: Merit, masks: int) -> Merit:
    """Return the merit of a recipe of so many masks, which was chosen from all the more recipes."""
    if masks == 1:
        return merit
    return replace(merit, better_below=SURELY_BETTER_OF_SEVERAL_MASKS)


def of_nothing_chosen(merit: Merit) -> Merit:
    """Return the merit of a measure that was not chosen by such a figure, which flatters none."""
    return replace(merit, better_below=1.0)


def merit_text(merit: Merit) -> str:
    """Return in a sentence whether a measure beats the norm."""
    verdict = {
        "better": "better than the norm",
        "alike": "not told from the norm",
        "worse": "worse than the norm",
    }[merit.verdict]
    return (
        f"figure of merit {estimate_text(merit.area)}, embedding norm {estimate_text(merit.norm)}, "
        f"ratio {estimate_text(merit.ratio)} (self-made comparisons, 95 % intervals): {verdict}"
        f"{_people_text(merit)}"
    )


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
