"""What else could measure quality for a recogniser, with figures to choose by."""

import shlex
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from rich.progress import Progress

from engines.build.build import BuildRequest, judged, merit_by
from engines.build.judge import Judge
from engines.build.recognisability import held_out_of_first, with_moved
from engines.build.request import GATE_NETWORK, LoadedEntry, request_beside
from engines.build.second_opinion import merit_beside
from engines.calibration.sweep import ALIKE
from engines.catalogue.values import Quality
from engines.errors import CatalogueError
from engines.pair.merit import Merit, merit_text, of_quality
from engines.quality.specification import Embeddings

OTHERS: dict[Quality, str] = {
    "recognisability": "how far the embedding lies from those of unrecognisable faces, one pass",
    "both": "that and the pair's own shift, at the price of the pair",
    "gate": f"{GATE_NETWORK} beside this network",
}

OF_ALIKE: tuple[Quality, ...] = ("recognisability", "both", "own", "gate")
"""
Of what is alike the earlier is taken: the cheapest first, then the mean of two measures before one
of them, which costs as much.
"""


def other_measures(
    known: LoadedEntry,
    request: BuildRequest,
    own: Merit | None,
    progress: Progress,
    built: Path | None = None,
) -> str:
    """
    Return lines for people: what else there is, what it is worth, and what to take.

    Faces that the build embedded are not embedded again, but by the gate's network.

    Args:
        known: Network whose errors count.
        request: That its own pair was built of, or refused.
        own: What that pair is worth; None where it is not better than the norm.
        progress: A running display of the caller's.
        built: Where that pair is; None where it was refused.
    """
    lines, found = ["'--quality norm': the norm itself, one pass, nothing pruned; ratio 1"], {}
    for quality, ask in _questions(known, request, progress).items():
        text, found[quality] = _answer(ask)
        lines.append(f"'--quality {quality}': {OTHERS[quality]}; {text}")
    best = advised(own, found)
    return "\n".join((_heading(request), *lines, _advice(best, built)))


def _heading(request: BuildRequest) -> str:
    second = request.second_opinion
    if second is None:
        return "what else could measure quality:"
    return f"what else could measure quality, with {second.name} but for 'norm' and 'gate':"


def advised(own: Merit | None, others: Mapping[Quality, Merit | None]) -> Quality:
    """
    Return what to take: of what is surely better than the norm the best; else the norm.

    Best is what forecasts say, not figures: some flatter more (`engines.pair.merit.FLATTERED`).
    """
    everything = {"own": own, **others}
    worth = {
        quality: merit.forecast
        for quality, merit in everything.items()
        if merit is not None and merit.verdict == "better"
    }
    if not worth:
        return "norm"
    limit = min(worth.values()) + ALIKE
    return next(each for each in OF_ALIKE if worth.get(each, limit + 1) <= limit)


Question = Callable[[], Merit | None]


def _questions(
    known: LoadedEntry, request: BuildRequest, progress: Progress
) -> dict[Quality, Question]:
    """Return what to ask of each measure that there is, in the order of `OTHERS`."""
    judge = request.judge
    if judge is None or judge.kept.rows is None:
        return {}
    heard, faces = judge.kept.heard, judge.faces()
    dense, masks = judge.kept.rows if heard is None else heard.rows
    moved = held_out_of_first(dense, faces)
    asked: dict[Quality, Question] = {
        "recognisability": partial(_worth, judge, "recognisability", dense, moved),
        "both": partial(_worth, judge, "both", dense, with_moved(masks, moved)),
    }
    if known.entry.name != GATE_NETWORK:
        few = dense[: len(faces.images)]
        asked["gate"] = partial(_of_gate, known, few, request.threads, progress)
    return asked


def _worth(judge: Judge, quality: Quality, dense: Embeddings, pruned: Embeddings) -> Merit | None:
    """Return what a measure of the network's own is worth, with the second opinion if any."""
    if judge.kept.heard is None:
        return merit_by(judge, (dense, pruned), quality)
    found = merit_beside(judge, judge.kept.heard, pruned)
    return None if found is None else of_quality(found, quality)


def _of_gate(
    known: LoadedEntry, dense: Embeddings, threads: int, progress: Progress
) -> Merit | None:
    return judged(request_beside(known, dense, None, threads, progress), progress)


def _advice(best: Quality, built: Path | None) -> str:
    if best == "own":
        return "by these figures keep its own pair"
    also = f" (or 'quality: {best}' in the network's entry file)"
    if best == "norm":
        return f"nothing is surely better than the norm: '--quality norm' does with one pass{also}"
    same = best == "both" and built is not None  # without calibrating again
    recipe = f" --recipe-of {shlex.quote(str(built))}" if same else ""
    return f"by these figures take '--quality {best}{recipe}'{also}"


def _answer(ask: Question) -> tuple[str, Merit | None]:
    try:
        worth = ask()
    except CatalogueError as error:
        return f"could not be judged: {error}", None
    if worth is None:
        return "hardly any comparison fails, so nothing can be said", None
    return merit_text(worth), worth
