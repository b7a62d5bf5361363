"""How old frames were at their verdict: the newest of them, as percentiles."""

from collections import deque
from typing import TypeAlias

import numpy as np

Percentiles: TypeAlias = tuple[float, float, float]

PERCENTS = (50, 95, 99)
REMEMBERED = 1024
"""Ages: enough for ten beyond the 99th percentile."""


def by_percent(ages_ms: Percentiles | None) -> dict[int, float]:
    """Return ages in milliseconds by their percentile; nothing where none was seen."""
    return {} if ages_ms is None else dict(zip(PERCENTS, ages_ms, strict=True))


class Latency:
    """Used by one thread."""

    def __init__(self) -> None:
        self._newest_s: deque[float] = deque(maxlen=REMEMBERED)

    def add(self, age_s: float) -> None:
        """Remember one age in seconds."""
        self._newest_s.append(age_s)

    @property
    def newest_s(self) -> float | None:
        """The age added last; None before the first."""
        return self._newest_s[-1] if self._newest_s else None

    def percentiles_ms(self) -> Percentiles | None:
        """Return median, 95th and 99th percentile in milliseconds; None when none was seen."""
        if not self._newest_s:
            return None
        p50, p95, p99 = np.percentile(list(self._newest_s), PERCENTS) * 1000
        return round(float(p50), 1), round(float(p95), 1), round(float(p99), 1)
