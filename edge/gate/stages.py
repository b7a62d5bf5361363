"""How long each stage took: for the metrics, never for a decision."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

Stage: TypeAlias = Literal["detect", "track", "score", "encode", "deliver"]
Seconds: TypeAlias = dict[Stage, float]


@contextmanager
def timed(seconds: Seconds, stage: Stage) -> Iterator[None]:
    """Add the duration of the block to that of its stage."""
    begin_s = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - begin_s
