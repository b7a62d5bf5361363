"""
What a running gate tells about itself: Prometheus metrics, a status document, life and readiness.

Ledgers are read by the worker's thread between two frames, because only then do they add up.
"""

import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotAnsweredError
from hashlib import sha256
from typing import Any, TypeVar

from edge import __version__
from edge.config.model import Config
from edge.errors import EdgeError
from edge.gate.observation import Observation
from edge.monitoring.drift import Drift
from edge.monitoring.drift_watch import DriftWatch
from edge.monitoring.metrics import Metrics, Snapshot
from edge.pipeline.daemon import Daemon
from edge.pipeline.snapshot import snapshot_of, status_of

Result = TypeVar("Result")
ANSWER_S = 3.0
"""For the worker to finish the frame in its hands."""


class GateBusyError(EdgeError, TimeoutError):
    """The worker did not answer in time."""


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
        self._patience_s, self._monotonic = patience_s, monotonic
        self._daemon: Daemon | None = None

    def follow(self, daemon: Daemon) -> None:
        """Read this daemon from now on."""
        self.drifts.use(daemon.config, daemon.pair_id)
        self._daemon = daemon

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

    def status_document(self) -> dict[str, Any]:
        """
        Return `/status`: everything at one moment, ready for JSON, without credentials.

        Raises:
            GateBusyError: The worker does not answer.
        """
        daemon = self._followed()
        document = _in_worker(
            daemon, lambda: status_of(daemon, config_hash(daemon.config), self._drifts())
        )
        about = {"version": __version__, "configuration_is_newest": self.reloaded}
        return about | {"not_alive": self.not_alive(), "not_ready": self.not_ready()} | document

    def not_alive(self) -> str | None:
        """Return why the process should be restarted; None while the worker shows life."""
        daemon = self._daemon
        if daemon is None:
            return None  # still opening, for which the service manager has its own patience
        if daemon.worker.failure is not None:
            return f"the worker gave up: {daemon.worker.failure}"
        silent_s = self._monotonic() - daemon.worker.beat_s
        return f"no sign of life for {silent_s:.0f} s" if silent_s > self._patience_s else None

    def not_ready(self) -> str | None:
        """Return why no face could be forwarded now; None when all is well."""
        if self._daemon is None:
            return "opening the engine pair"
        sources = self._daemon.sources()
        if sources and all(source.error and not source.frames for source in sources):
            return f"no source gives frames: {sources[0].name}: {sources[0].error}"
        return self.not_alive() or self._daemon.worker.forwarding.dispatcher.problem

    def _snapshot(self) -> Snapshot:
        daemon = self._followed()
        return _in_worker(
            daemon,
            lambda: snapshot_of(
                daemon, config_hash(daemon.config), self._drifts(), reloaded=self.reloaded
            ),
        )

    def _drifts(self) -> dict[str, Drift]:
        return self.drifts.drifts()

    def _followed(self) -> Daemon:
        if self._daemon is None:
            raise GateBusyError("the gate is still opening its engine pair")
        return self._daemon


def config_hash(config: Config) -> str:
    """
    Return 12 hexadecimal digits that are the same for configurations that say the same.

    Credentials within addresses do not enter: from a hash that is told they could be guessed.
    """
    written = config.model_dump_json(exclude={"sources": {"__all__": {"uri"}}})
    addresses = [str(source.uri) for source in config.sources]
    return sha256(f"{written} {addresses}".encode()).hexdigest()[:12]


def _in_worker(daemon: Daemon, read: Callable[[], Result]) -> Result:
    try:
        return daemon.worker.call(read).result(ANSWER_S)
    except NotAnsweredError:
        raise GateBusyError(f"the worker did not answer within {ANSWER_S:g} s") from None
