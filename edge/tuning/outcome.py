"""What `edge-gate tune` found of one camera, and how to say it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge.console import people_words
from edge.footage.faces import Observed, scored
from edge.gate.identity import TELLING
from edge.history.tables import Mark
from edge.tuning.footage import Footage
from edge.tuning.marked import agreement
from edge.tuning.people import lost_words, people_of, unconfirmed_of
from edge.tuning.steps import Goal, Steps
from edge.tuning.threshold import FEW_TRACKS, Suggestion
from engines import amounts

_UNITS = {
    "forward_rate": "of all faces good enough",
    "per_minute": "faces forwarded a minute",
    "fnmr": "FNMR",
    "marks": "of the marked faces decided as marked",
}
_RELATION = {
    "forward_rate": "comes closest to",
    "per_minute": "comes closest to",
    "fnmr": "is the lowest with at most",
    "marks": "comes closest to",
}


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """Everything the report tells."""

    camera: str
    """What the threshold is of, in words."""
    key: str
    """As written in the configuration, e.g. "gate.threshold"."""
    observed: Observed
    current: float | None
    """The threshold in effect; None where `shift_at_most` decides."""
    goal: Goal | None
    steps: Steps
    """What each threshold gives, in the unit of the goal; forward rates without one."""
    pair_id: str
    """Of the engine pair that scored."""
    facts: Sequence[tuple[str, str]]
    """What was looked at."""
    suggestion: Suggestion | None = None
    refusal: str = ""
    """Why there is no suggestion; empty where there is one or none was asked for."""
    forwarded: int | None = None
    """Faces that `run` forwards of this very footage by `candidate`; None if not asked."""
    marks: Sequence[Mark] = ()
    """What people marked on the live page."""
    unread_marks: str = ""
    """Why marks could not be read; empty where they were."""
    looked_at: Collection[int] | None = None
    """Places of the observed faces that `run` scores, whatever the threshold; None for all."""
    floor: float = 100.0
    """Quality score from which a person below the threshold is sent all the same; 100: never."""
    left_out: Sequence[str] = ()
    """Frames of a shadow log that cannot be used, with the reason, in words."""
    differing: Sequence[str] = ()
    """Frames of a shadow log whose faces were found by other settings, with these, in words."""
    every: int = 1
    """Each n-th frame of videos was looked at; `run` looks at all."""
    diff: str = ""
    """The change of the configuration; empty where there is none."""

    @property
    def nothing_used(self) -> bool:
        """Whether a shadow log had frames, and none that can be used."""
        return bool(self.left_out) and not self.observed.runs

    @property
    def nothing_seen(self) -> bool:
        """Whether there was no frame to look at: nothing could be read, or nothing used."""
        return not (self.observed.frames or self.observed.faces)

    @property
    def decides(self) -> bool:
        """Whether a threshold is in effect, or was found."""
        return self.suggestion is not None or self.current is not None

    @property
    def candidate(self) -> float:
        """The threshold that the report looks around."""
        if self.suggestion is not None:
            return self.suggestion.threshold
        return 0.0 if self.current is None else self.current


def conclusion(tuning: Tuning) -> list[str]:
    """Return what was found, in sentences for people, the most important first."""
    found = tuning.suggestion
    if found is None or tuning.goal is None:
        said = f"No suggestion: {tuning.refusal}." if tuning.refusal else _no_goal(tuning)
        return [said, *_known(tuning)]
    answer = _answer(tuning.key, tuning.goal, found)
    return [*answer, *_known(tuning), *_warnings(tuning, found, tuning.goal)]


def _known(tuning: Tuning) -> Iterator[str]:
    yield from (f"Left out: {words}." for words in tuning.left_out)
    yield from _differing(tuning)
    yield from _people(tuning)
    yield from _forwarded(tuning)
    yield from _marked(tuning)


def _answer(key: str, goal: Goal, found: Suggestion) -> Iterator[str]:
    interval = f"95 % interval {found.interval.low:.3g} to {found.interval.high:.3g}"
    yield (
        f"{key}: {number(found.threshold)} ({interval}) {_RELATION[goal.kind]} "
        f"{amount(goal.kind, goal.value)}."
    )
    yield (
        f"Here it gives {amount(goal.kind, found.achieved)}; on other footage of this place expect "
        f"{_expected(goal.kind, found)}."
    )


def _differing(tuning: Tuning) -> Iterator[str]:
    yield from (f"Logged by other settings: {words}." for words in tuning.differing)
    if tuning.differing:
        yield "By those of now other faces are found and discarded: let the gate observe anew."


def _people(tuning: Tuning) -> Iterator[str]:
    everybody = people_of(tuning.observed, tuning.looked_at) if tuning.decides else ()
    if everybody:
        best = [person.score for person in everybody]
        yield lost_words(best, tuning.candidate, tuning.floor)
    others = unconfirmed_of(tuning.observed)
    if everybody and others.tracks:
        tracks = amounts.amount(others.tracks, "track more was", "tracks more were")
        yield f"{tracks} scored, but confirmed as a person by no second look."
    if everybody and others.photographed:
        faces = amounts.amount(others.photographed, "face more", "faces more")
        yield f"{faces} of photographs scored below {TELLING:g}, which tells nobody from anybody."


def _forwarded(tuning: Tuning) -> Iterator[str]:
    if tuning.forwarded is not None and not tuning.nothing_seen:
        faces = amounts.amount(tuning.forwarded, "face")
        said = f"By the threshold {number(tuning.candidate)} run forwards {faces} of this footage"
        yield f"{said}{_proviso(tuning)}."


def _proviso(tuning: Tuning) -> str:
    """Return what the promise depends on; nothing where it holds as it stands."""
    if tuning.differing:
        return ", if it finds the faces that were logged"
    if tuning.every > 1 and tuning.observed.video_s:
        return f", more or less: it looks at each frame, and --every {tuning.every} did not"
    return ""


def _marked(tuning: Tuning) -> Iterator[str]:
    if tuning.unread_marks:
        yield f"Marks of the live page are left out: {tuning.unread_marks}."
    if tuning.marks:
        decided = agreement(tuning.marks, tuning.candidate)
        yield f"Of the faces marked on the live page {decided.words}."


def _expected(kind: str, found: Suggestion) -> str:
    low, high = found.achieved_interval.low, found.achieved_interval.high
    return f"{figure(kind, low)} to {amount(kind, high)}"


def amount(kind: str, value: float) -> str:
    """Return an amount in the unit of a goal, in words."""
    return f"{figure(kind, value)} {_UNITS[kind]}"


def figure(kind: str, value: float) -> str:
    """Return an amount of a goal, without its unit."""
    return f"{value:.1f}" if kind == "per_minute" else f"{100 * value:.3g} %"


def _no_goal(tuning: Tuning) -> str:
    if tuning.nothing_seen:
        return "There was no frame to look at."
    looked = f"The threshold {number(tuning.candidate)} was looked at."
    if not tuning.decides:
        looked = "Here gate.shift_at_most decides, and no threshold."
    ask = "Ask for a suggestion with --forward-rate, --per-minute, --fnmr-labels or --marks."
    return f"{looked} {ask}"


def _warnings(tuning: Tuning, found: Suggestion, goal: Goal) -> Iterator[str]:
    footage = footage_of(tuning.observed)
    if footage.people < FEW_TRACKS:
        few = amounts.amount(footage.people, "face was scored", "faces were scored")
        seen = f"{people_words(footage.people)} walked by" if footage.minutes else few
        more = footage.more.capitalize()
        yield f"Only {seen}: the true intervals are wider. {more}."
    if goal.kind not in ("fnmr", "marks") and not 0.8 <= found.achieved / goal.value <= 1.25:
        yield (
            f"No threshold comes closer: pre-checks discard {footage.discarded_track.size} of "
            f"{amounts.amount(footage.faces, 'face')}, and equal scores change sides together."
        )
    too_many = goal.kind == "per_minute" and found.achieved > 1.25 * goal.value
    if too_many and tuning.floor < found.threshold:
        yield (
            "Whoever shows no face above the threshold is sent once all the same, by "
            f"tracks.at_least_one_above ({number(tuning.floor)}): raise it for fewer faces."
        )


def number(value: float) -> str:
    """Return a threshold as it is written in a configuration."""
    return f"{value:.10g}"


def footage_of(observed: Observed) -> Footage:
    """Return what the threshold is told from."""
    decided = list(scored(observed.faces))
    chosen = {id(face) for face, _ in decided}
    others = [face.track for face in observed.faces if id(face) not in chosen]
    return Footage(
        score=np.array([score for _, score in decided], np.float64),
        track=np.array([face.track for face, _ in decided], np.intp),
        discarded_track=np.array(others, np.intp),
        minutes=observed.video_s / 60 or None,
        confirmed=_confirmed(observed),
    )


def _confirmed(observed: Observed) -> int:
    """Count people with a scored face; nobody can look twice at a face of a still image."""
    everybody = {
        face.track
        for face, _ in scored(observed.faces)
        if face.track in observed.confirmed or face.time_s is None
    }
    return len(everybody)
