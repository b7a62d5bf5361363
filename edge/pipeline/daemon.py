"""
The whole gate as one object: engines, delivery, one stream for each source, one worker.

    capture threads --newest frame--> worker: detect, track, score, decide --> outbox --> senders

Threads hand over through slots and the outbox, all of them bounded. Of several calls to
`reload` and `stop` only one may run at a time; the other methods may be called at any time.
"""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotAnsweredError
from dataclasses import replace
from typing import TypeVar

from edge.config.changes import Changes, changes
from edge.config.effective import in_effect
from edge.config.model import Config, Source
from edge.errors import EdgeError, SourceError
from edge.gate.observation import NOBODY, Listeners
from edge.pipeline.forwarding import Delivered, Forwarding
from edge.pipeline.ledger import Ledger, Ledgers
from edge.pipeline.open_delivery import open_delivery
from edge.pipeline.open_networks import open_networks
from edge.pipeline.pace import Load
from edge.pipeline.stream import Stream
from edge.pipeline.worker import Worker
from edge.protocols import engine_of
from edge.sources.live import LiveSource
from edge.sources.state import State
from edge.sources.status import SourceStatus, Surroundings, is_bad, status_words, trouble_of
from edge.watched_thread import WatchedThread
from engines.amounts import amount
from engines.pair.manifest import read_manifest, without_second_opinion

log = logging.getLogger(__name__)

Result = TypeVar("Result")
OpenSource = Callable[[Source, Surroundings, Callable[[SourceError], None]], LiveSource]
WORKER_S = 10.0
"""For the frame in the worker's hands, before a reload or the end is given up."""


class GateBusyError(EdgeError, TimeoutError):
    """The worker did not answer in time."""


class Daemon:
    """Runs a configuration, and changes to another one."""

    def __init__(
        self,
        config: Config,
        open_source: OpenSource,
        on_end: Callable[[], None],
        onlookers: Listeners = NOBODY,
    ) -> None:
        """
        Open engines, outbox and sinks; no source yet.

        Args:
            config: What to run.
            open_source: Returns a source that is not started.
            on_end: Called by another thread when there is nothing left to do, or after a failure.
            onlookers: Are told what every camera's gate decided, and how long things took.

        Raises:
            ConfigError: A secret or certificate is missing.
            EnginesError: The pair is missing, wrong, or does not compute what it promised.
            DetectorError: The files are not those of the detector.
            OutboxError: The outbox's file cannot be used.
        """
        self.config = config
        self._open_source = open_source
        self._listeners = onlookers
        self._networks = open_networks(config)
        self._forwarding = open_delivery(config, onlookers.took)
        self._worker = Worker(self._forwarding, on_end)
        self._worker.together = self._networks.together
        self._closed: dict[str, Ledger] = {}
        self._lost = 0

    def start(self) -> None:
        """Begin to deliver what an earlier process left, open the sources, and look at frames."""
        self._forwarding.start()
        self._worker.start()
        self._enter(self.config, self._new_sources(self.config, self._names()))

    def reload(self, config: Config) -> Changes:
        """
        Change to another configuration; what is not in the difference goes on undisturbed.

        Raises:
            EdgeError, EnginesError: As in the constructor; the old configuration is kept.
        """
        todo = self._todo(config)
        engines = open_networks(config) if todo.engines else self._networks
        delivery = open_delivery(config, self._listeners.took) if todo.delivery else None
        new_sources = self._new_sources(config, todo.opened)
        # Nothing below can fail for what is written in the configuration.
        self._leave(todo.closed)
        before, self._networks = self._networks, engines
        retuned = self._worker.streams if todo.engines else todo.retuned
        self._in_worker(lambda: self._retune(config, retuned))
        if todo.engines:
            before.close()
        if delivery is not None:
            self._deliver_by(delivery)
        self.config = config
        for stream in self.streams():
            stream.source.try_again()
        self._enter(config, new_sources)
        return todo

    def stop(self, drain_s: float) -> Ledgers:
        """
        End the sources, decide about what has arrived, deliver what is possible, and close.

        Args:
            drain_s: Seconds for the sinks; what they do not take stays in the outbox.
        """
        if not self._worker.stop(WORKER_S):
            log.error("the worker does not end; the best faces of its tracks are lost")
        with ThreadPoolExecutor() as threads:  # a stuck camera takes its time; ten, no more
            ended = list(threads.map(Stream.close, self._worker.streams.values()))
        sources = [*self._closed.values(), *ended]
        self._lost += self._forwarding.stop(drain_s)
        self._networks.close()
        return Ledgers(tuple(sources), self._forwarding.ledger(), self._lost)

    def books(self) -> Ledgers:
        """
        Return all ledgers now; exact only between two frames, as in a call of the worker.

        Raises:
            OutboxError: The outbox's file cannot be read.
        """
        sources = [*self._closed.values(), *self.ledgers()]
        return Ledgers(tuple(sources), self._forwarding.ledger(), self._lost)

    def ledgers(self) -> list[Ledger]:
        """Return those of the sources now on their way; exact as `books` are."""
        return [stream.ledger() for stream in self.streams()]

    def streams(self) -> list[Stream]:
        """Return the sources on their way; what they count adds up in a call of `ask` only."""
        return list(self._worker.streams.values())

    def threads(self) -> list[WatchedThread]:
        """Return those beside the worker that keep cameras and send faces."""
        keepers = [stream.source.keeper for stream in self.streams()]
        return [*keepers, *self._forwarding.threads()]

    def sources(self) -> list[SourceStatus]:
        """Return how each source is doing."""
        return [stream.source.status() for stream in self.streams()]

    def delivered(self) -> Delivered:
        """Return how delivering goes."""
        return self._forwarding.delivered()

    @property
    def problem(self) -> str | None:
        """Why faces are kept in memory only; None while the outbox's file works."""
        return self._forwarding.problem

    @property
    def load(self) -> Load:
        """How far it is behind."""
        return self._worker.load

    @property
    def failure(self) -> Exception | None:
        """Why it gave up; None while all is well."""
        return self._worker.failure

    @property
    def beat_s(self) -> float:
        """Monotonic seconds of the newest sign of life."""
        return self._worker.beat_s

    def call(self, function: Callable[[], Result]) -> "Future[Result]":
        """Let the worker call a function between two frames, when all ledgers add up."""
        return self._worker.call(function)

    def ask(self, read: Callable[[], Result], patience_s: float) -> Result:
        """
        Return what a function reads between two frames.

        Raises:
            GateBusyError: The worker does not answer in so many seconds.
        """
        try:
            return self.call(read).result(patience_s)
        except NotAnsweredError:
            raise GateBusyError(f"the worker did not answer within {patience_s:g} s") from None

    @property
    def pair_id(self) -> str:
        """Of the engine pair that scores."""
        return self._networks.pair.pair_id

    @property
    def engine(self) -> str:
        """Library and precision that run it."""
        return self._networks.pair.engine

    @property
    def detector_engine(self) -> str | None:
        """Library and precision that run the detector; None where it does not say."""
        return engine_of(self._networks.detector)

    def status_words(self) -> str:
        """Return the line that `systemctl status` shows."""
        sources = self.sources()
        up = sum(source.state is State.STREAMING for source in sources)
        forwarded = sum(stream.counts.forwarded for stream in self.streams())
        failing = [each.sink for each in self._forwarding.sinks() if each.failures_in_a_row]
        parts = [
            f"{up}/{amount(len(sources), 'source')} up",
            f"{amount(forwarded, 'face')} forwarded",
            f"overloaded, looking {self.load.stretch:.1f} times less often" * self.load.is_over,
            f"waiting for {', '.join(failing)}" * bool(failing),
            self.problem or "",
        ]
        return "; ".join(filter(None, parts))

    def _todo(self, config: Config) -> Changes:
        todo = changes(self.config, config)
        # A pair may have been built anew under the same path.
        known = read_manifest(config.pair)
        if not config.engine.second_opinion:
            known = without_second_opinion(known)
        rebuilt = known.pair_id != self.pair_id
        return replace(todo, engines=todo.engines or rebuilt)

    def _names(self) -> tuple[str, ...]:
        return tuple(source.name for source in self.config.sources)

    def _new_sources(self, config: Config, names: Iterable[str]) -> list[tuple[Source, LiveSource]]:
        around = Surroundings(on_change=_log_change, arrived=self._worker.wake)
        return [
            (source, self._open_source(source, around, _log_unreadable))
            for source in config.sources
            if source.name in names
        ]

    def _enter(self, config: Config, sources: Iterable[tuple[Source, LiveSource]]) -> None:
        """Add streams all at once: a worker with nothing but files at their end would end too."""
        streams = {
            settings.name: Stream(
                settings,
                source,
                self._networks.camera_gate(config, settings),
                self._listeners.observe,
                self._closed.pop(settings.name, None),
            )
            for settings, source in sources
        }
        self._in_worker(lambda: self._worker.streams.update(streams))
        for stream in streams.values():
            stream.source.start()

    def _leave(self, names: Iterable[str]) -> None:
        """End streams; a camera must be closed before it can be opened in another way."""
        for name in names:
            stream = self._in_worker(lambda name=name: self._finished(name))  # type: ignore[misc]
            self._closed[name] = stream.close()

    def _finished(self, name: str) -> Stream:
        stream = self._worker.streams.pop(name)
        stream.finish(self._forwarding)
        return stream

    def _retune(self, config: Config, names: Iterable[str]) -> None:
        self._worker.together = self._networks.together
        for source in config.sources:
            if source.name in names and source.name in self._worker.streams:
                decided = in_effect(config, source).faces
                stream = self._worker.streams[source.name]
                stream.retune(source, self._networks, decided, self._forwarding)

    def _deliver_by(self, delivery: Forwarding) -> None:
        before, self._forwarding = self._forwarding, delivery
        self._in_worker(lambda: setattr(self._worker, "forwarding", delivery))
        self._lost += before.stop()
        delivery.start()

    def _in_worker(self, function: Callable[[], Result]) -> Result:
        return self.call(function).result(WORKER_S)


def _log_unreadable(error: SourceError) -> None:
    log.warning("%s", error)


def _log_change(status: SourceStatus) -> None:
    fields = {
        "source": status.name,
        "state": status.state.value,
        "availability": status.availability.value,
        "openings": status.openings,
        "picture": trouble_of(status),
    }
    level = logging.WARNING if is_bad(status) else logging.INFO
    log.log(level, "%s", status_words(status), extra={"fields": fields})
