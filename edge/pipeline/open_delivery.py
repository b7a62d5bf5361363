"""The dispatcher and the sinks that a configuration names."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from edge.config.delivery import OutboxSettings, SinkSettings
from edge.config.model import Config
from edge.delivery.dispatcher import Dispatcher
from edge.delivery.face_database import IN_MEMORY
from edge.gate.observation import StageTimer, unheeded
from edge.pipeline.forwarding import Forwarding
from edge.protocols import Sink, connection_of
from edge.samples import Connection, Delivery
from edge.sinks.open import open_sink
from edge.watched_thread import PATIENCE_S

MEMORY_ONLY = OutboxSettings(path=IN_MEMORY, quota=4_000_000)
"""Without an outbox in the configuration: faces wait here while a sink is down, until the end."""


@dataclass(frozen=True, slots=True)
class _TimedSink:
    """Tells how long each face took that a sink accepted."""

    sink: Sink
    took: StageTimer

    def send(self, delivery: Delivery) -> None:
        begin_s = time.perf_counter()
        self.sink.send(delivery)
        self.took("deliver", time.perf_counter() - begin_s)

    def idle(self) -> None:
        self.sink.idle()

    def connection(self) -> Connection:
        return connection_of(self.sink)

    def close(self) -> None:
        self.sink.close()


def open_delivery(config: Config, took: StageTimer = unheeded) -> Forwarding:
    """
    Open sinks and outbox; nothing is sent before `dispatcher.start()`.

    Args:
        config: Names them.
        took: Told how long encoding and delivering took, for each face.

    Raises:
        ConfigError: A secret or a certificate file of a sink is missing or unusable.
        OutboxError: The outbox's file is of another program, or cannot be made.
    """
    delivery = config.delivery
    with ExitStack() as opened:
        sinks: dict[str, Sink] = {}
        for settings in config.sinks:
            sinks[settings.name] = _TimedSink(open_sink(settings), took)
            opened.callback(sinks[settings.name].close)
        dispatcher = Dispatcher(sinks, delivery.outbox or MEMORY_ONLY, delivery.backoff)
        opened.pop_all()  # from here on the dispatcher closes them
    for thread in dispatcher.threads():
        thread.patience_s = _patience_s(config.sinks)
    return Forwarding(dispatcher, delivery, took)


def _patience_s(sinks: Sequence[SinkSettings]) -> float:
    """Return how long a sink may be busy with one face: some send several messages for it."""
    longest = max(getattr(sink, "timeout", 0.0) for sink in sinks)
    return max(PATIENCE_S, 10.0 * longest)
