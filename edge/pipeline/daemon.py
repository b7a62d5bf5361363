"""
The whole gate as one object: engines, delivery, one stream for each source, one worker.

    capture threads --newest frame--> worker: detect, track, score, decide --> outbox --> senders

Threads hand over through slots and the outbox, all of them bounded. Of several calls to
`reload` and `stop` only one may run at a time; the other methods may be called at any time.
"""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from edge.config.changes import Changes, changes
from edge.config.effective import in_effect
from edge.config.model import Config, Source
from edge.delivery.outbox_tables import LedgerRow
from edge.errors import ImageError
from edge.gate.observation import NOBODY, Listeners
from edge.pipeline.forwarding import Forwarding
from edge.pipeline.ledger import Ledger
from edge.pipeline.open_delivery import open_delivery
from edge.pipeline.open_networks import open_networks
from edge.pipeline.stream import Stream
from edge.pipeline.worker import Worker
from edge.sources.live import LiveSource
from edge.sources.state import State
from edge.sources.status import SourceStatus, Surroundings, is_bad, status_words, trouble_of
from engines.pair.manifest import read_manifest

log = logging.getLogger(__name__)

Result = TypeVar("Result")
OpenSource = Callable[[Source, Surroundings, Callable[[ImageError], None]], LiveSource]
WORKER_S = 10.0
"""For the frame in the worker's hands, before a reload or the end is given up."""


@dataclass(frozen=True, slots=True)
class Ledgers:
    """All ledgers at one moment."""

    sources: tuple[Ledger, ...]
    sinks: tuple[LedgerRow, ...]

    def imbalances(self) -> list[str]:
        """Return what does not add up, in words; nothing when all is well."""
        found = [words for ledger in self.sources for words in ledger.imbalances()]
        return found + [
            f"sink {row.sink}: {row.unexplained} faces went nowhere"
            for row in self.sinks
            if row.unexplained
        ]


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
        self._onlookers = onlookers
        self._engines = open_networks(config)
        self.worker = Worker(open_delivery(config, onlookers.took), on_end)
        self.worker.together = self._engines.together
        self._closed: dict[str, Ledger] = {}

    def start(self) -> None:
        """Begin to deliver what an earlier process left, open the sources, and look at frames."""
        self.worker.forwarding.dispatcher.start()
        self.worker.start()
        self._enter(self.config, self._new_sources(self.config, self._names()))

    def reload(self, config: Config) -> Changes:
        """
        Change to another configuration; what is not in the difference goes on undisturbed.

        Raises:
            EdgeError, EnginesError: As in the constructor; the old configuration is kept.
        """
        todo = self._todo(config)
        engines = open_networks(config) if todo.engines else self._engines
        delivery = open_delivery(config, self._onlookers.took) if todo.delivery else None
        new_sources = self._new_sources(config, todo.opened)
        # Nothing below can fail for what is written in the configuration.
        self._leave(todo.closed)
        before, self._engines = self._engines, engines
        retuned = self.worker.streams if todo.engines else todo.retuned
        self._in_worker(lambda: self._retune(config, retuned))
        if todo.engines:
            before.pair.close()
        if delivery is not None:
            self._deliver_by(delivery)
        self.config = config
        self._enter(config, new_sources)
        return todo

    def stop(self, drain_s: float) -> Ledgers:
        """
        End the sources, decide about what has arrived, deliver what is possible, and close.

        Args:
            drain_s: Seconds for the sinks; what they do not take stays in the outbox.
        """
        if not self.worker.stop(WORKER_S):
            log.error("the worker does not end; the best faces of its tracks are lost")
        with ThreadPoolExecutor() as threads:  # a stuck camera takes its time; ten, no more
            ended = list(threads.map(Stream.close, self.worker.streams.values()))
        sources = [*self._closed.values(), *ended]
        dispatcher = self.worker.forwarding.dispatcher
        dispatcher.stop(drain_s)
        self._engines.pair.close()
        return Ledgers(tuple(sources), tuple(dispatcher.ledger()))

    def books(self) -> Ledgers:
        """
        Return all ledgers now; exact only between two frames, as in a call of the worker.

        Raises:
            OutboxError: The outbox's file cannot be read.
        """
        streams = list(self.worker.streams.values())
        sources = [*self._closed.values(), *(stream.ledger() for stream in streams)]
        return Ledgers(tuple(sources), tuple(self.worker.forwarding.dispatcher.ledger()))

    def sources(self) -> list[SourceStatus]:
        """Return how each source is doing."""
        return [stream.source.status() for stream in list(self.worker.streams.values())]

    @property
    def pair_id(self) -> str:
        """Of the engine pair that scores."""
        return self._engines.pair.pair_id

    def status_words(self) -> str:
        """Return the line that `systemctl status` shows."""
        sources = self.sources()
        up = sum(source.state is State.STREAMING for source in sources)
        streams = list(self.worker.streams.values())
        forwarded = sum(stream.counts.forwarded for stream in streams)
        dispatcher = self.worker.forwarding.dispatcher
        failing = [each.sink for each in dispatcher.status() if each.failures_in_a_row]
        parts = [
            f"{up}/{len(sources)} sources up",
            f"{forwarded} faces forwarded",
            f"overloaded, looking {self.worker.load.stretch:.1f} times less often"
            * self.worker.load.is_over,
            f"waiting for {', '.join(failing)}" * bool(failing),
            dispatcher.problem or "",
        ]
        return "; ".join(filter(None, parts))

    def _todo(self, config: Config) -> Changes:
        todo = changes(self.config, config)
        # A pair may have been built anew under the same path.
        rebuilt = read_manifest(config.pair).pair_id != self.pair_id
        return replace(todo, engines=todo.engines or rebuilt)

    def _names(self) -> tuple[str, ...]:
        return tuple(source.name for source in self.config.sources)

    def _new_sources(self, config: Config, names: Iterable[str]) -> list[tuple[Source, LiveSource]]:
        around = Surroundings(on_change=_log_change, arrived=self.worker.wake)
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
                self._engines.camera_gate(config, settings),
                self._onlookers.observe,
                self._closed.pop(settings.name, None),
            )
            for settings, source in sources
        }
        self._in_worker(lambda: self.worker.streams.update(streams))
        for stream in streams.values():
            stream.source.start()

    def _leave(self, names: Iterable[str]) -> None:
        """End streams; a camera must be closed before it can be opened in another way."""
        for name in names:
            stream = self._in_worker(lambda name=name: self._finished(name))  # type: ignore[misc]
            self._closed[name] = stream.close()

    def _finished(self, name: str) -> Stream:
        stream = self.worker.streams.pop(name)
        stream.finish(self.worker.forwarding)
        return stream

    def _retune(self, config: Config, names: Iterable[str]) -> None:
        self.worker.together = self._engines.together
        for source in config.sources:
            if source.name in names and source.name in self.worker.streams:
                decided = in_effect(config, source).faces
                stream = self.worker.streams[source.name]
                stream.retune(source, self._engines, decided, self.worker.forwarding)

    def _deliver_by(self, delivery: Forwarding) -> None:
        before = self.worker.forwarding
        self._in_worker(lambda: setattr(self.worker, "forwarding", delivery))
        before.dispatcher.stop()
        delivery.dispatcher.start()

    def _in_worker(self, function: Callable[[], Result]) -> Result:
        return self.worker.call(function).result(WORKER_S)


def _log_unreadable(error: ImageError) -> None:
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
