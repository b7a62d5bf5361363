"""
Files through the gate to the sinks: in order, with progress, nothing lost, always the same.

Without an outbox each face is handed to every sink before the next frame is read, and a sink that
fails ends the run. With one, faces go by way of it, as in a service.
"""

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from typing import TypeAlias

from edge.config.delivery import MqttSinkSettings
from edge.config.model import Config
from edge.console import console, counts_words, progress
from edge.delivery.dispatcher import Dispatcher
from edge.delivery.encode import to_delivery
from edge.delivery.outbox_tables import LedgerRow
from edge.errors import EdgeError
from edge.footage.assess_files import assessments
from edge.gate.best_shot import Shot
from edge.gate.camera_gate import CameraGate
from edge.gate.observation import Observation, Observer
from edge.gate.outcome import Outcome
from edge.pipeline.ledger import Counts
from edge.pipeline.open_delivery import open_delivery
from edge.pipeline.open_networks import open_networks
from edge.samples import Assessment, Captured, Frame, Reason
from edge.shadow_log.log import ShadowLog
from edge.sinks.open import open_sink
from edge.sources.clock import SourceTime
from edge.sources.files import open_files

Forward: TypeAlias = Callable[[Shot], None]

LOOK_AGAIN_S = 0.05
"""While waiting for sinks."""


def run_files(config: Config) -> int:
    """Take every file through the gate and send what it forwards; 1 when something is left."""
    shown_on = console()
    problems: list[EdgeError] = []
    undelivered: list[str] = []
    config = _without_status(config)
    with ExitStack() as opened, progress(shown_on) as bars:
        networks = open_networks(config, bars)
        opened.callback(networks.pair.close)
        shadow_log = ShadowLog()
        shadow_log.use(config, networks.pair.pair_id)
        opened.callback(shadow_log.stop)
        way = _directly(config) if config.delivery.outbox is None else _queued(config, undelivered)
        forward = opened.enter_context(way)
        for source in config.sources:
            gate = networks.camera_gate(config, source)
            run = _FileRun(source.name, gate, forward, shadow_log.observe)
            files = open_files([source.uri.path], problems.append)
            for _ in assessments(files, run.take, bars, problems.append):
                pass
            run.finish()
            shown_on.print(f"{source.name}: {counts_words(run.counts)}", markup=False)
    for problem in (*problems, *undelivered):
        shown_on.print(f"failed: {problem}", markup=False, style="red")
    return 1 if problems or undelivered else 0


def _without_status(config: Config) -> Config:
    """Let the faces' own connection say that the gate is there: no service tells its status."""
    sinks = tuple(
        sink.model_copy(update={"status": False}) if isinstance(sink, MqttSinkSettings) else sink
        for sink in config.sinks
    )
    return config.model_copy(update={"sinks": sinks})


@contextmanager
def _directly(config: Config) -> Iterator[Forward]:
    """Hand each face to every sink at once."""
    with ExitStack() as opened:
        sinks = [open_sink(settings) for settings in config.sinks]
        for sink in sinks:
            opened.callback(sink.close)

        def forward(shot: Shot) -> None:
            delivery = to_delivery(
                shot.assessment,
                include_embedding=config.delivery.include_embedding,
                media_type=config.delivery.face_image,
            )
            for sink in sinks:
                sink.send(delivery)

        yield forward


@contextmanager
def _queued(config: Config, undelivered: list[str]) -> Iterator[Forward]:
    """Let the outbox keep each face; at the end wait for the sinks, and say what they left."""
    forwarding, counts = open_delivery(config), Counts()
    dispatcher = forwarding.dispatcher
    dispatcher.start()
    try:
        yield lambda shot: forwarding.forward(shot, None, counts)
        _wait_for_sinks(dispatcher)
    finally:
        dispatcher.stop()
    undelivered += [words for row in dispatcher.ledger() for words in _left(row)]
    if counts.lost or counts.evicted:
        undelivered.append(f"{counts.lost + counts.evicted} faces found no room in the outbox")


def _wait_for_sinks(dispatcher: Dispatcher) -> None:
    """Return when each sink has everything, or has failed since the files ended."""
    before = {status.sink: status.failed for status in dispatcher.status()}
    pause = threading.Event()
    while True:
        working = {each.sink for each in dispatcher.status() if each.failed == before[each.sink]}
        if not any(row.waiting and row.sink in working for row in dispatcher.ledger()):
            return
        pause.wait(LOOK_AGAIN_S)


def _left(row: LedgerRow) -> Iterator[str]:
    if row.waiting:
        yield f"{row.waiting} faces wait in the outbox for sink {row.sink}: the next run sends them"
    if row.dead:
        yield f"sink {row.sink} refused {row.dead} faces: see edge-gate outbox status"


class _FileRun:
    """The files of one source."""

    def __init__(self, name: str, gate: CameraGate, forward: Forward, observe: Observer) -> None:
        self.counts: Counter[Reason] = Counter()
        self._name, self._run = name, secrets.token_hex(4)
        self._gate = gate
        self._time = SourceTime(is_live=False)
        self._forward, self._observe = forward, observe

    def take(self, frame: Frame) -> tuple[Assessment, ...]:
        """Take the next frame through the gate."""
        captured = Captured(frame, 0.0, datetime.now(timezone.utc), clock_synced=False)
        if self._time.is_cut(captured):
            self.finish()
        outcome = self._gate.take(captured, self._time.seen_s(captured))
        if outcome.failure is not None:
            raise outcome.failure
        self._note(outcome, captured)
        return outcome.assessments

    def finish(self) -> None:
        """End all tracks."""
        self._note(self._gate.finish(self._time.last_s))

    def _note(self, outcome: Outcome, captured: Captured | None = None) -> None:
        self.counts += outcome.discarded
        self.counts[Reason.FORWARDED] += len(outcome.forwarded)
        for shot in outcome.forwarded:
            self._forward(shot)
        seen_s = self._time.last_s
        self._observe(Observation(self._name, captured, outcome, self._run, seen_s))
