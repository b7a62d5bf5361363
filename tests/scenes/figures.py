"""What became of the people of a scene, in figures."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from edge.config.effective import CameraSettings
from edge.gate.best_shot import Shot
from edge.gate.decision_replay import RecordedFrame, replayed
from edge.gate.outcome import Outcome
from edge.samples import Reason
from tests.scenes.filmed import Filmed

Seen = tuple[str | None, int]
"""Who a face truly is, None for what is none, and the track it was given."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one scene, or the sum of several."""

    people: int = 0
    tracks: int = 0
    counted: int = 0
    """Confirmed tracks: people, as far as the gate can tell."""
    lost: int = 0
    """People none of whose faces was sent."""
    doubled: int = 0
    """People sent more than once other than as a revision."""
    foreign: int = 0
    """Revisions of somebody else's face."""
    false: int = 0
    """Faces sent that are none."""
    sent: int = 0
    """Faces."""
    below: int = 0
    """Those of them that miss the threshold."""
    switches: int = 0
    """Times a person's track was another one than at the last look (CLEAR MOT)."""
    matched: int = 0
    """IDTP: looks at people under the one track that is theirs."""
    looks: int = 0
    """Of people, and of faces under tracks; half of their sum is the denominator of IDF1."""

    @property
    def idf1(self) -> float:
        """Ristani et al., arXiv 1609.01775: 2 IDTP / (true + computed looks)."""
        return 2 * self.matched / self.looks if self.looks else 1.0

    def __add__(self, other: "Figures") -> "Figures":
        """Return the sum of two scenes."""
        names = self.__slots__
        return Figures(**{name: getattr(self, name) + getattr(other, name) for name in names})


def figures(filmed: Filmed, settings: CameraSettings, frames: Sequence[RecordedFrame]) -> Figures:
    """
    Return what a gate does with a scene.

    Args:
        filmed: The scene.
        settings: Decide.
        frames: Of the scene, followed by whatever tracker.
    """
    limit = settings.gate.threshold
    outcomes = list(replayed(frames, settings, limit, filmed.scale))
    sent = [shot for outcome in outcomes for shot in outcome.forwarded]
    looks = list(_looks(filmed, frames, outcomes))
    return Figures(
        people=len(filmed.people),
        tracks=len({track for each in looks for _, track in each}),
        counted=len(_confirmed(outcomes)),
        switches=_switches(looks),
        matched=_matched(looks),
        looks=sum(map(len, looks)) + sum(map(len, filmed.truth)),
        **_of_sent(filmed, sent),
    )


def figures_of_all(films: Iterable[Filmed], settings: CameraSettings) -> Figures:
    """Return the sum of what a gate does with several scenes."""
    return sum((figures(one, settings, one.recorded) for one in films), Figures())


def _of_sent(filmed: Filmed, sent: Sequence[Shot]) -> dict[str, int]:
    named = [
        (shot, filmed.who(shot.assessment.frame.index, shot.assessment.face.box)) for shot in sent
    ]
    firsts = Counter(who for shot, who in named if shot.revision == 0 and who)
    of_track: dict[int, set[str | None]] = defaultdict(set)
    for shot, who in named:
        of_track[shot.track_id].add(who)
    kept = {shot.track_id: who for shot, who in named}
    reached = set(kept.values())
    return {
        "lost": len(filmed.people - reached),
        "doubled": sum(count > 1 for count in firsts.values()),
        "foreign": sum(len(people) - 1 for people in of_track.values()),
        "false": sum(who is None for _, who in named),
        "sent": len(sent),
        "below": sum(shot.assessment.verdict.reason is Reason.BEST_OF_TRACK for shot in sent),
    }


def _looks(
    filmed: Filmed, frames: Sequence[RecordedFrame], outcomes: Sequence[Outcome]
) -> Iterable[list[Seen]]:
    """Yield the faces of each frame."""
    for frame, outcome in zip(frames, outcomes, strict=True):
        index = frame.captured.frame.index
        if outcome.seen:
            yield [(filmed.who(index, face.box), face.track_id) for face in outcome.seen]


def _confirmed(outcomes: Iterable[Outcome]) -> set[int]:
    """Return the tracks that are people, those of one person once."""
    joined: dict[int, int] = {}
    confirmed: set[int] = set()
    for outcome in outcomes:
        joined |= outcome.joined
        confirmed |= outcome.confirmed
    return {_last(track, joined) for track in confirmed}


def _last(track: int, joined: Mapping[int, int]) -> int:
    while track in joined:
        track = joined[track]
    return track


def _switches(looks: Iterable[list[Seen]]) -> int:
    last: dict[str, int] = {}
    switches = 0
    for seen in looks:
        for who, track in seen:
            if who is not None:
                switches += last.setdefault(who, track) != track
                last[who] = track
    return switches


def _matched(looks: Iterable[list[Seen]]) -> int:
    together = Counter(pair for seen in looks for pair in seen if pair[0] is not None)
    people = sorted({str(who) for who, _ in together})
    tracks = sorted({track for _, track in together})
    table = np.array([[together[who, track] for track in tracks] for who in people])
    if not table.size:
        return 0
    return int(table[linear_sum_assignment(table, maximize=True)].sum())
