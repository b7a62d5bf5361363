"""What else could measure quality for a recogniser, with figures to choose by."""

from collections.abc import Iterator, Mapping

from rich.progress import Progress

from engines.build.build import judged
from engines.build.request import GATE_NETWORK, LoadedEntry, unscaled_request
from engines.calibration.sweep import ALIKE
from engines.catalogue.catalogue import Catalogued
from engines.catalogue.values import Quality
from engines.errors import CatalogueError
from engines.pair.merit import Merit, merit_text
from engines.pruning.recipe import Recipe

OTHERS: dict[Quality, str] = {
    "recognisability": "how far the embedding lies from those of unrecognisable faces, one pass",
    "both": "that and the pair's own shift, at the price of the pair",
    "gate": f"{GATE_NETWORK} beside this network",
}
"""The cheapest first: of what is alike the earlier is taken."""


def other_measures(
    known: LoadedEntry, recipe: Recipe, own: Merit | None, threads: int, progress: Progress
) -> str:
    """
    Return lines for people: what else there is, what it is worth, and what to take.

    Args:
        known: Network whose errors count.
        recipe: Of its own pair.
        own: What that pair is worth; None where it is not better than the norm.
        threads: For each network call.
        progress: A running display of the caller's.
    """
    lines, found = ["'--quality norm': the norm itself, one pass, nothing pruned; ratio 1"], {}
    for quality, what in _offered(known.entry):
        taken = recipe if quality == "both" else None
        text, found[quality] = _worth(known, taken, quality, threads, progress)
        lines.append(f"'--quality {quality}': {what}; {text}")
    best = advised(own, found)
    return "\n".join(("what else could measure quality:", *lines, _advice(best)))


def advised(own: Merit | None, others: Mapping[Quality, Merit | None]) -> Quality:
    """Return what to take: of what is surely better than the norm the best; else the norm."""
    everything = {"own": own, **others}
    worth = {
        quality: merit.ratio.value
        for quality, merit in everything.items()
        if merit is not None and merit.verdict == "better"
    }
    if not worth:
        return "norm"
    limit = min(worth.values()) + ALIKE
    order: tuple[Quality, ...] = ("own", *OTHERS)
    return next(each for each in order if worth.get(each, limit + 1) <= limit)


def _offered(entry: Catalogued) -> Iterator[tuple[Quality, str]]:
    for quality, what in OTHERS.items():
        if quality != "gate" or entry.name != GATE_NETWORK:
            yield quality, what


def _advice(best: Quality) -> str:
    if best == "own":
        return "by these figures keep its own pair"
    also = f" (or 'quality: {best}' in the network's entry file)"
    if best == "norm":
        return f"nothing is surely better than the norm: '--quality norm' does with one pass{also}"
    return f"by these figures take '--quality {best}'{also}"


def _worth(
    known: LoadedEntry, recipe: Recipe | None, quality: Quality, threads: int, progress: Progress
) -> tuple[str, Merit | None]:
    try:
        worth = judged(unscaled_request(known, recipe, threads, progress, quality), progress)
    except CatalogueError as error:
        return f"could not be judged: {error}", None
    if worth is None:
        return "hardly any comparison fails, so nothing can be said", None
    return merit_text(worth), worth
