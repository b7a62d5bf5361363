"""
Where every frame and every face of a source went. Pure: plain numbers that must add up.

    frames    = looked_at + followed + rested + failed
              + replaced + late + unscheduled + unread + waiting
    faces     = forwarded + discarded + held
    forwarded = accepted + evicted + lost

What becomes of an accepted face is in the outbox's own ledger, one row for each sink.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from edge.delivery.outbox_ledger import LedgerRow
from edge.pipeline.latency import Percentiles, by_percent
from engines.amounts import amount

MOST_WAITING = 2
"""Frames between a source and the gate: one in the slot and one in the hands of the grabber."""


@dataclass(slots=True)
class Counts:
    """What one thread counts of one source; never goes back."""

    replaced: int = 0
    """Frames of a camera that gave way to a newer one, as its rate asks for."""
    late: int = 0
    """Frames that gave way because the gate had no time: overload."""
    unscheduled: int = 0
    """Frames outside the schedule, not looked at."""
    failed: int = 0
    """Frames that the detector refused."""
    looked_at: int = 0
    """Frames that were searched for faces as a whole."""
    followed: int = 0
    """Frames that were searched where known faces were expected: each was there, no more moved."""
    rested: int = 0
    """Frames in which no face was sought: nobody was there, and nothing moved."""
    unread: int = 0
    """Frames that had come, but were not looked at when the source was stopped."""
    faces: int = 0
    scored: int = 0
    """Faces that the networks saw; the others were discarded or spared without."""
    spared: int = 0
    """Faces that the networks did not see, because that could not change what is sent."""
    unscorable: int = 0
    """Frames whose faces the networks refused."""
    discarded: Counter[str] = field(default_factory=Counter)
    """Faces by reason."""
    forwarded: int = 0
    best_of_track: int = 0
    """Forwarded faces below the threshold: the best ones of their people."""
    accepted: int = 0
    """Forwarded faces that the outbox keeps for every sink."""
    evicted: int = 0
    """Forwarded faces for which a full outbox had no room beside better ones."""
    lost: int = 0
    """Forwarded faces that neither disk nor memory could keep."""

    def forwarded_by_reason(self) -> dict[str, int]:
        """Return the forwarded faces by reason; those below the threshold only when there are."""
        above = {"forwarded": self.forwarded - self.best_of_track}
        return above | ({"best_of_track": self.best_of_track} if self.best_of_track else {})


@dataclass(frozen=True, slots=True)
class Ledger:
    """The books of one source at one moment."""

    name: str
    frames: int
    """Received from the source."""
    counts: Counts
    held: int
    """Faces that are the best of a track that has not ended."""
    ages_ms: Percentiles | None = None
    """Median, 95th and 99th percentile of the age of frames at their verdict; cameras only."""

    @property
    def waiting(self) -> int:
        """Frames on their way to the gate."""
        counts = self.counts
        dropped = counts.replaced + counts.late
        taken = counts.failed + counts.looked_at + counts.followed + counts.rested
        return self.frames - dropped - taken - counts.unscheduled - counts.unread

    def imbalances(self) -> Iterator[str]:
        """Yield what does not add up, in words; nothing when all is well."""
        counts = self.counts
        if not 0 <= self.waiting <= MOST_WAITING:
            yield f"{self.name}: {self.waiting} of {amount(self.frames, 'frame')} went nowhere"
        faces = counts.faces - counts.forwarded - counts.discarded.total() - self.held
        if faces:
            yield f"{self.name}: {faces} of {amount(counts.faces, 'face')} went nowhere"
        forwarded = counts.forwarded - counts.accepted - counts.evicted - counts.lost
        if forwarded:
            every = amount(counts.forwarded, "forwarded face")
            yield f"{self.name}: {forwarded} of {every} went nowhere"

    def telemetry(self) -> dict[str, float]:
        """Return all telemetry by name, for a log line."""
        counts = self.counts
        plain = {
            each.name: getattr(counts, each.name)
            for each in fields(counts)
            if each.name != "discarded"
        }
        ages = {f"age_p{percent}_ms": age for percent, age in by_percent(self.ages_ms).items()}
        reasons = {f"discarded_{name}": count for name, count in counts.discarded.items() if count}
        return {
            "frames": self.frames,
            "waiting": self.waiting,
            **plain,
            "held": self.held,
            **reasons,
            **ages,
        }


@dataclass(frozen=True, slots=True)
class Ledgers:
    """All ledgers at one moment."""

    sources: tuple[Ledger, ...]
    sinks: tuple[LedgerRow, ...]
    lost_at_stop: int = 0
    """Faces that were in memory only when delivering ended."""

    @property
    def lost(self) -> int:
        """Faces that this process lost: the rows of sinks count those of earlier ones too."""
        return self.lost_at_stop + sum(source.counts.lost for source in self.sources)

    def imbalances(self) -> list[str]:
        """Return what does not add up, in words; nothing when all is well."""
        found = [words for ledger in self.sources for words in ledger.imbalances()]
        return found + [
            f"sink {row.sink}: {amount(row.unexplained, 'face')} went nowhere"
            for row in self.sinks
            if row.unexplained
        ]
