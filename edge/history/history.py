"""
Counts by the hour and events, kept for a week in a small file, or in memory without one.

The worker's thread only counts; the states of cameras are looked at, and the file is written, by a
thread of its own. What cannot be written waits, bounded, until it can.
"""

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge.config.effective import CameraSettings, in_effect
from edge.config.model import Config
from edge.config.tracks import Mode
from edge.delivery.face_database import IN_MEMORY
from edge.errors import ConfigError
from edge.gate.observation import Observation
from edge.history.file import HistoryFile
from edge.history.tables import HOUR_S, KEPT_HOURS, Event, Key, add_amounts, add_events, tidy
from edge.history.walks import Walks
from edge.watched_thread import WatchedThread

log = logging.getLogger(__name__)

LOOK_EVERY_S = 15.0
"""At the states of cameras."""
WRITE_EVERY_S = 60.0
"""So that a memory card is not worn."""
FRESH_S = 5.0
"""Who asks gets nothing older."""
MOST_WAITING = 2000
"""Events in memory while the file cannot be written; later ones take the place of the oldest."""
STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class CameraNow:
    """A camera at one moment."""

    state: str
    error: str | None = None
    """Why it was lost, without credentials."""


States = Callable[[], Mapping[str, CameraNow]]


class History:
    """Made before the daemon; `observe` is the worker's, all else is safe for several threads."""

    def __init__(
        self,
        states: States = dict,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Prepare, in memory.

        Args:
            states: Returns how each camera is doing.
            wall: Seconds since 1970.
            monotonic: Clock of durations.
        """
        self.states = states
        self._wall, self._monotonic = wall, monotonic
        self.file = HistoryFile(IN_MEMORY, monotonic)
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._amounts: defaultdict[Key, float] = defaultdict(float)
        self._events: deque[Event] = deque(maxlen=MOST_WAITING)
        self._walks = Walks()
        self._faces: Mapping[str, CameraSettings] = {}
        self._before: dict[str, CameraNow] = {}
        self._looked_s = monotonic()
        self._written_s = float("-inf")
        self._problem: str | None = None
        self.thread = WatchedThread("history", self._run)

    @property
    def is_kept(self) -> bool:
        """Whether a file keeps it over the end of the process."""
        return self.file.path != IN_MEMORY

    def use(self, config: Config) -> None:
        """Keep it where a configuration says, from now on; what was in memory only is left."""
        self._faces = {each.name: in_effect(config, each).faces for each in config.sources}
        path = config.page.history or IN_MEMORY
        if path != self.file.path:
            before, self.file = self.file, HistoryFile(path, self._monotonic)
            before.close()
        if not self.thread.started:
            self.thread.start()

    def observe(self, observation: Observation) -> None:
        """Count what one frame led to."""
        camera, outcome, wall_s = observation.camera, observation.outcome, self._wall()
        hour = int(wall_s // HOUR_S)
        faces = self._faces.get(camera)
        mode: Mode = "best_shot" if faces is None else faces.mode
        gap_s = 0.0 if faces is None else faces.tracks.gap
        with self._lock:
            for reason, count in outcome.discarded.items():
                self._amounts[camera, hour, "reason", reason.value] += count
            if outcome.forwarded:
                self._amounts[camera, hour, "reason", "forwarded"] += len(outcome.forwarded)
            for face in outcome.assessments:
                if face.quality is not None:
                    self._amounts[camera, hour, "score", _bin(face.quality.score)] += 1
            self._walks.take(observation, mode, gap_s, self._monotonic())

    def refresh(self, within_s: float = FRESH_S) -> None:
        """Look at the cameras, and write what was counted, unless it was done so short ago."""
        with self._looking:
            if self._is_due(within_s):
                self._look()
                self._write()

    def stop(self) -> None:
        """Write what is waiting, and close; safe to call twice."""
        self.thread.stop()
        self.thread.join(STOP_S)
        self.file.close()

    def _look(self) -> None:
        """Note how long each camera has been in its state, and what has changed."""
        now_s, wall_s = self._monotonic(), self._wall()
        lasted_s, self._looked_s = now_s - self._looked_s, now_s
        hour, found = int(wall_s // HOUR_S), dict(self.states())
        with self._lock:
            self._events.extend(self._walks.over(now_s, wall_s))
            for name, now in found.items():
                before = self._before.get(name)
                if before is not None:
                    self._amounts[name, hour, "state", before.state] += lasted_s
                if before is not None and before.state != now.state:
                    words = now.error if now.state != "streaming" and now.error else now.state
                    self._events.append(Event(wall_s, name, now.state, None, words))
        self._before = found

    def _is_due(self, within_s: float) -> bool:
        return self._monotonic() - self._written_s >= within_s

    def _write(self) -> None:
        """Write what was counted; what cannot be written waits."""
        self._written_s = self._monotonic()
        with self._lock:
            amounts, self._amounts = self._amounts, defaultdict(float)
            events, self._events = self._events, deque(maxlen=MOST_WAITING)
        try:
            with self.file.changed() as database:
                add_amounts(database, amounts)
                add_events(database, events)
                tidy(database, int(self._wall() // HOUR_S))
        except ConfigError as error:
            self._put_back(amounts, events)
            if self._problem is None:
                log.error("%s; the gate goes on without it", error)  # noqa: TRY400 -- no bug
            self._problem = str(error)
        else:
            self._problem = None

    def _put_back(self, amounts: Mapping[Key, float], events: deque[Event]) -> None:
        oldest = int(self._wall() // HOUR_S) - KEPT_HOURS
        with self._lock:
            for key, amount in amounts.items():
                if key[1] > oldest:
                    self._amounts[key] += amount
            self._events.extendleft(reversed(events))

    def _run(self) -> None:
        while not self.thread.stopping.wait(LOOK_EVERY_S):
            self.thread.beat()
            with self._looking:
                self._look()
                if self._is_due(WRITE_EVERY_S):
                    self._write()
        with self._looking:  # without a look: that a gate ends is no news of its cameras
            self._write()


def _bin(score: float) -> str:
    """Return the lower end of ten points; 100 lies in the last."""
    return str(min(90, int(score // 10) * 10))
