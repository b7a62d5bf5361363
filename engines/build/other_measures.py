"""What else could measure quality for a recogniser, with figures to choose by."""

from rich.progress import Progress

from engines.build.build import judged
from engines.build.request import GATE_NETWORK, unscaled_request
from engines.calibration.sweep import ALIKE
from engines.catalogue.catalogue import Catalogued
from engines.catalogue.values import Quality
from engines.errors import CatalogueError
from engines.pair.merit import Merit, merit_text

ADVICE: dict[Quality, str] = {
    "own": "by these figures keep its own pair",
    "norm": "nothing is surely better than the norm: '--quality norm' does with one pass",
    "gate": "by these figures take '--quality gate'",
}


def other_measures(entry: Catalogued, own: Merit | None, threads: int, progress: Progress) -> str:
    """
    Return lines for people: what else there is, what it is worth, and what to take.

    Args:
        entry: Of the network whose errors count.
        own: Of its own pair; None where that is not better than the norm.
        threads: For each network call.
        progress: A running display of the caller's.
    """
    lines = ["'--quality norm': the norm itself, one pass, nothing pruned; ratio 1"]
    beside = None
    if entry.name != GATE_NETWORK:
        text, beside = _beside(entry, threads, progress)
        lines.append(f"'--quality gate': {GATE_NETWORK} beside this network; {text}")
    best = advised(own, beside)
    also = "" if best == "own" else f" (or 'quality: {best}' in the network's entry file)"
    return "\n".join(("what else could measure quality:", *lines, ADVICE[best] + also))


def advised(own: Merit | None, gate: Merit | None) -> Quality:
    """Return what to take: of what is surely better than the norm the best; else the norm."""
    fit = own is not None and own.verdict == "better"
    limit = own.ratio.value - ALIKE if own is not None and fit else 1.0
    if gate is not None and gate.verdict == "better" and gate.ratio.value < limit:
        return "gate"
    return "own" if fit else "norm"


def _beside(entry: Catalogued, threads: int, progress: Progress) -> tuple[str, Merit | None]:
    try:
        worth = judged(unscaled_request(entry, None, threads, progress, "gate"), progress)
    except CatalogueError as error:
        return f"could not be judged: {error}", None
    if worth is None:
        return "hardly any comparison fails, so nothing can be said", None
    return merit_text(worth), worth
