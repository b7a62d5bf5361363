"""What the gate saw in the last minute, in one line; from its ledgers, which only count up."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from edge.console import counts_words
from edge.pipeline.ledger import Counts, Ledger
from edge.samples import Reason
from engines.amounts import amount

EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was counted of one source so far."""

    frames: int = 0
    """Looked at."""
    faces: Counter[Reason] = field(default_factory=Counter)
    """By what became of them."""

    def since(self, before: "_Seen") -> str:
        """Return what was added, in words."""
        frames = amount(self.frames - before.frames, "frame")
        faces = self.faces - before.faces
        return f"{frames}, {counts_words(faces) if faces else 'no face'}"


class Minutes:
    """Tells once a minute; used by one thread at a time."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Begin the first minute."""
        self._monotonic = monotonic
        self._next_s = monotonic() + EVERY_S
        self._before: dict[str, _Seen] = {}

    def is_due(self) -> bool:
        """Tell whether a minute has passed; then the next one begins."""
        now_s = self._monotonic()
        is_over = now_s >= self._next_s
        self._next_s = now_s + EVERY_S if is_over else self._next_s
        return is_over

    def words(self, ledgers: Iterable[Ledger]) -> str:
        """
        Return what was seen since the last call, by source: frames looked at, faces by reason.

        Args:
            ledgers: Of the sources now.
        """
        now = {ledger.name: _seen(ledger.counts) for ledger in ledgers}
        words = [
            f"{name} {seen.since(self._before.get(name, _Seen()))}" for name, seen in now.items()
        ]
        self._before = now
        return "; ".join(words)


def _seen(counts: Counts) -> _Seen:
    by_reason = {**counts.discarded, **counts.forwarded_by_reason()}
    faces = Counter({Reason(name): count for name, count in by_reason.items()})
    return _Seen(counts.looked_at + counts.followed, faces)
