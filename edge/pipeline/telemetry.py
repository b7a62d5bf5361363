"""
What a running gate tells about itself: Prometheus metrics, a status document, life and readiness.

Ledgers are read by the worker's thread between two frames, because only then do they add up.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256

from edge.config.model import Config
from edge.gate.observation import Observation
from edge.monitoring.drift_watch import DriftWatch
from edge.monitoring.metrics import Metrics, Snapshot
from edge.monitoring.status import GateStatus
from edge.pipeline.daemon import Daemon, GateBusyError
from edge.pipeline.snapshot import About, snapshot_of, status_of
from edge.watched_thread import WatchedThread

ANSWER_S = 3.0
"""For the worker to finish the frame in its hands."""
RELOAD_S = 120.0
"""After which a reload is taken for stuck: plans of TensorRT take half a minute to open."""


class Telemetry:
    """Made before the daemon, which it observes and then reads; safe for several threads."""

    def __init__(self, patience_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        """
        Prepare.

        Args:
            patience_s: The worker lives while its newest sign of life is younger.
            monotonic: Clock of the signs of life.
        """
        self.metrics = Metrics(self._snapshot)
        self.drifts = DriftWatch(monotonic)
        self.reloaded = True
        """Whether the newest configuration is in use."""
        self.onlookers: Callable[[], list[WatchedThread]] = list
        """Returns the threads of those that the daemon does not know."""
        self.page_problem: Callable[[], str | None] = lambda: None
        """Returns why the page cannot be served."""
        self._patience_s, self._monotonic = patience_s, monotonic
        self._reloading_since_s: float | None = None
        self._daemon: Daemon | None = None

    def follow(self, daemon: Daemon) -> None:
        """Read this daemon from now on."""
        self.drifts.use(daemon.config, daemon.pair_id)
        self._daemon = daemon

    def reloading(self, *, is_so: bool) -> None:
        """Learn that a reload begins, or has ended."""
        self._reloading_since_s = self._monotonic() if is_so else None

    def stuck_reload(self) -> str | None:
        """Return that a reload does not end; None when none is under way, or not for long."""
        since_s = self._reloading_since_s
        for_s = 0.0 if since_s is None else self._monotonic() - since_s
        if for_s <= RELOAD_S:
            return None
        return f"a reload has not ended for {for_s:.0f} s; restart the gate"

    def observe(self, observation: Observation) -> None:
        """Count what one frame led to; called by the worker."""
        for face in observation.outcome.assessments:
            if face.quality is not None:
                self.metrics.scored(observation.camera, face.quality.score)
        for stage, seconds in observation.outcome.seconds.items():
            self.metrics.took(stage, seconds)
        self.drifts.observe(observation)

    def metrics_text(self) -> bytes:
        """
        Return `/metrics` in Prometheus's text format.

        Raises:
            GateBusyError: The worker does not answer.
        """
        return self.metrics.text()

    def status(self) -> GateStatus:
        """
        Return `/status`: everything at one moment, without credentials.

        Raises:
            GateBusyError: The worker does not answer.
        """
        daemon = self._followed()
        about = About(
            config_hash=config_hash(daemon.config),
            drifts=self.drifts.drifts(),
            is_newest=self.reloaded,
            not_alive=self.not_alive(),
            not_ready=self.not_ready(),
            summary=self.summary(daemon),
        )
        return daemon.ask(lambda: status_of(daemon, about), ANSWER_S)

    def not_alive(self) -> str | None:
        """Return why the process should be restarted; None while the worker shows life."""
        daemon = self._daemon
        if daemon is None:
            return None  # still opening, for which the service manager has its own patience
        if daemon.failure is not None:
            return f"the worker gave up: {daemon.failure}"
        silent_s = self._monotonic() - daemon.beat_s
        if silent_s > self._patience_s:
            return f"no sign of life for {silent_s:.0f} s"
        return _first(thread.death() for thread in self._threads())

    def not_ready(self) -> str | None:
        """Return why no face could be forwarded now; None when all is well."""
        if self._daemon is None:
            return "opening the engine pair"
        sources = self._daemon.sources()
        if sources and all(source.error and not source.frames for source in sources):
            return f"no source gives frames: {sources[0].name}: {sources[0].error}"
        failing = _first(thread.trouble() for thread in self._threads())
        return self.not_alive() or self._daemon.problem or failing or self.stuck_reload()

    def summary(self, daemon: Daemon) -> str:
        """Return one line for people: what works, and what does not."""
        words = (daemon.status_words(), self.page_problem(), self.stuck_reload())
        return "; ".join(filter(None, words))

    def _threads(self) -> list[WatchedThread]:
        return [*self._followed().threads(), *self.onlookers()]

    def _snapshot(self) -> Snapshot:
        daemon = self._followed()
        hashed, drifts = config_hash(daemon.config), self.drifts.drifts()
        reading = daemon.ask(
            lambda: snapshot_of(daemon, hashed, drifts, reloaded=self.reloaded), ANSWER_S
        )
        threads = {each.name: (each.trouble() is None, each.failures) for each in self._threads()}
        return replace(reading, threads=threads)

    def _followed(self) -> Daemon:
        if self._daemon is None:
            raise GateBusyError("the gate is still opening its engine pair")
        return self._daemon


def _first(words: Iterable[str | None]) -> str | None:
    return next((each for each in words if each is not None), None)


def config_hash(config: Config) -> str:
    """
    Return 12 hexadecimal digits that are the same for configurations that say the same.

    Credentials within addresses do not enter: from a hash that is told they could be guessed.
    """
    written = config.model_dump_json(exclude={"sources": {"__all__": {"uri"}}})
    addresses = [str(source.uri) for source in config.sources]
    return sha256(f"{written} {addresses}".encode()).hexdigest()[:12]
