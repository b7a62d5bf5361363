"""What else could measure quality for a recogniser, with figures to choose by."""

from rich.progress import Progress

from engines.build.build import judged
from engines.build.request import GATE_NETWORK, build_request
from engines.calibration.sweep import ALIKE
from engines.catalogue.catalogue import Catalogued
from engines.errors import CatalogueError
from engines.pair.merit import merit_text


def other_measures(entry: Catalogued, own: float, threads: int, progress: Progress) -> str:
    """
    Return lines for people: what else there is, what it is worth, and what to take.

    Args:
        entry: Of the network whose errors count.
        own: Ratio of its own pair's figure of merit to that of the norm.
        threads: For each network call.
        progress: A running display of the caller's.
    """
    lines, best = ["'--quality norm': the norm itself, one pass, nothing pruned; ratio 1"], "own"
    if own >= 1:
        best = "norm"
    if entry.name != GATE_NETWORK:
        text, ratio = _beside(entry, threads, progress)
        lines.append(f"'--quality gate': {GATE_NETWORK} beside this network; {text}")
        if ratio is not None and ratio < min(own, 1.0) - ALIKE:
            best = "gate"
    advice = {
        "own": "by these figures keep its own pair",
        "norm": "by these figures take '--quality norm'",
        "gate": "by these figures take '--quality gate'",
    }[best]
    also = "" if best == "own" else f", or write 'quality: {best}' into the network's entry file"
    return "\n".join(("what else could measure quality:", *lines, advice + also))


def _beside(entry: Catalogued, threads: int, progress: Progress) -> tuple[str, float | None]:
    try:
        worth = judged(build_request(entry, None, threads, progress, "gate"), progress)
    except CatalogueError as error:
        return f"could not be judged: {error}", None
    if worth is None:
        return "hardly any comparison fails, so nothing can be said", None
    return merit_text(worth), worth.ratio.value
