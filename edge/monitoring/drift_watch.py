"""Compares each camera's last hour of scores with its tuned baseline, and says when they part."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.config.model import Config
from edge.gate.observation import Observation
from edge.monitoring.baseline import read_baseline
from edge.monitoring.drift import HINTS, Drift, RecentScores

log = logging.getLogger(__name__)
LOOK_EVERY_S = 60.0


@dataclass(slots=True)
class _Watched:
    recent: RecentScores
    drift: Drift | None = None
    next_look_s: float = 0.0


class DriftWatch:
    """The worker's thread adds scores and looks; other threads read what it saw last."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._cameras: Mapping[str, _Watched] = {}

    def use(self, config: Config, pair_id: str) -> None:
        """
        Watch the cameras of a configuration that have a baseline; hours seen so far stay.

        Raises:
            ConfigError: A baseline cannot be read, or is of another engine pair.
        """
        self._cameras = {
            source.name: self._watched(source.name, source.baseline, pair_id)
            for source in config.sources
            if source.baseline is not None
        }

    def _watched(self, camera: str, path: Path, pair_id: str) -> _Watched:
        baseline = read_baseline(path, pair_id)
        known = self._cameras.get(camera)
        if known is not None and known.recent.baseline == baseline:
            return known
        return _Watched(RecentScores(baseline))

    def observe(self, observation: Observation) -> None:
        """Add the scores of one frame; once a minute look, and log a change."""
        watched = self._cameras.get(observation.camera)
        if watched is None:
            return
        now_s = self._monotonic()
        for seen in observation.outcome.seen:
            if seen.assessment is not None and seen.assessment.quality is not None:
                track = observation.run, seen.track_id
                watched.recent.add(seen.assessment.quality.score, track, now_s)
        if now_s >= watched.next_look_s:
            watched.next_look_s = now_s + LOOK_EVERY_S
            self._look(observation.camera, watched, now_s)

    def drifts(self) -> dict[str, Drift]:
        """Return how far each camera has moved; one that cannot be told is missing."""
        return {
            name: watched.drift
            for name, watched in self._cameras.items()
            if watched.drift is not None
        }

    def _look(self, camera: str, watched: _Watched, now_s: float) -> None:
        before, watched.drift = watched.drift, watched.recent.drift(now_s)
        rang = before is not None and before.alarm
        rings = watched.drift is not None and watched.drift.alarm
        if watched.drift is not None and rings and not rang:
            words = HINTS[watched.drift.direction]
            log.warning("%s: %s (PSI %.2f)", camera, words, watched.drift.psi)
        if rang and not rings:
            log.info("%s: scores are as when tuned again, or too few to tell", camera)
