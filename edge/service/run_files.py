"""
Files through the gate to the sinks: in order, with progress, nothing lost, always the same.

Without an outbox each face is handed to every sink before the next frame is read, and a sink that
fails ends the run. With one, faces go by way of it, as in a service.
"""

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TypeAlias

from edge.config.delivery import MqttSinkSettings, OutboxSettings
from edge.config.model import Config
from edge.console import console, counts_words, note, progress
from edge.delivery.encode import to_delivery
from edge.delivery.outbox_ledger import LedgerRow
from edge.errors import EdgeError, OutboxError
from edge.footage.camera_run import Step, steps
from edge.footage.frames import frames_of
from edge.gate.best_shot import Shot
from edge.gate.observation import Observation, Observer
from edge.pipeline.forwarding import Forwarding
from edge.pipeline.ledger import Counts
from edge.pipeline.open_delivery import open_delivery
from edge.pipeline.open_networks import open_networks
from edge.samples import Reason
from edge.service.purge import not_made, open_for_service
from edge.service.sole_use import SoleUse
from edge.shadow_log.log import ShadowLog
from edge.sinks.open import open_sink
from edge.sources.files import left_out, open_files
from engines.amounts import amount

Forward: TypeAlias = Callable[[Shot], object]

LOOK_AGAIN_S = 0.05
"""While waiting for sinks."""


def run_files(config: Config) -> int:
    """Take every file through the gate and send what it forwards; 1 when something is left."""
    shown_on = console()
    problems: list[EdgeError] = []
    undelivered: list[str] = []
    config = _without_status(config)
    with ExitStack() as opened, progress(shown_on) as bars:
        sole_use = opened.enter_context(closing(SoleUse()))
        sole_use.take(config)
        networks = open_networks(config, bars)
        opened.callback(networks.close)
        shadow_log = ShadowLog()
        shadow_log.use(config, networks.pair.pair_id)
        opened.callback(shadow_log.stop)
        directly = config.delivery.outbox is None
        delivered = _directly(config) if directly else _queued(config, undelivered)
        forward = opened.enter_context(delivered)
        for source in config.sources:
            gate = networks.camera_gate(config, source)
            shown, decoder = source.geometry, source.decoder
            files = open_files([source.uri.path], problems.append, geometry=shown, decoder=decoder)
            way = steps(frames_of(files, bars, problems.append), gate)
            counts = counted(source.name, way, forward, shadow_log.observe)
            note(shown_on, left_out([source.uri.path]))
            shown_on.print(f"{source.name}: {counts_words(counts)}", markup=False)
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
    before = _books_before(config.delivery.outbox)
    forwarding, counts = open_delivery(config), Counts()
    forwarding.start()
    try:
        yield lambda shot: forwarding.forward(shot, None, counts)
        _wait_for_sinks(forwarding)
    finally:
        lost = forwarding.stop()
    if lost:
        undelivered.append(f"lost, in memory only: {amount(lost, 'face')}")
    known = {sink.name for sink in config.sinks}
    for row in forwarding.ledger():
        undelivered += [*_left(row, known), *_gone(row, before.get(row.sink))]
    if counts.lost:
        undelivered.append(f"kept by neither disk nor memory: {amount(counts.lost, 'face')}")


def _books_before(outbox: OutboxSettings | None) -> dict[str, LedgerRow]:
    """Return where faces went in earlier runs; opening it for this one may evict some already."""
    if outbox is None or not_made(outbox.path):
        return {}
    try:
        with closing(open_for_service(outbox.path)) as opened:
            return {row.sink: row for row in opened.ledger()}
    except OutboxError:  # damaged: it is set aside, and a new one begun
        return {}


def _wait_for_sinks(forwarding: Forwarding) -> None:
    """Return when each sink has everything, or has failed since the files ended."""
    before = {status.sink: status.failed for status in forwarding.sinks()}
    pause = threading.Event()
    while True:
        working = {each.sink for each in forwarding.sinks() if each.failed == before[each.sink]}
        if not any(map(forwarding.waits_for, working)):
            return
        pause.wait(LOOK_AGAIN_S)


def _left(row: LedgerRow, known: Collection[str]) -> Iterator[str]:
    if row.waiting:
        who_sends = "to be sent by the next run"
        if row.sink not in known:
            who_sends = "and the configuration has no such sink: name it again, or they expire"
        waiting = amount(row.waiting, "face")
        yield f"still in the outbox for sink {row.sink}: {waiting}, {who_sends}"
    if row.dead:
        yield f"sink {row.sink} refused {amount(row.dead, 'face')}: see edge-gate outbox status"


def _gone(row: LedgerRow, before: LedgerRow | None) -> Iterator[str]:
    """Tell what left the outbox during the run, and went to nobody."""
    evicted = row.evicted - (before.evicted if before else 0)
    expired = row.expired - (before.expired if before else 0)
    if evicted > 0:
        yield f"no room in the outbox for sink {row.sink}: {amount(evicted, 'face')}"
    if expired > 0:
        yield f"too old, and deleted from the outbox for sink {row.sink}: {amount(expired, 'face')}"


def counted(name: str, way: Iterable[Step], forward: Forward, observe: Observer) -> Counter[Reason]:
    """Forward what each step says, show it to an observer, and count every face by its reason."""
    counts, run = Counter[Reason](), secrets.token_hex(4)
    for step in way:
        for reason, faces in step.outcome.discarded.items():
            counts[reason] += faces
        for shot in step.outcome.forwarded:
            counts[shot.assessment.verdict.reason] += 1
            forward(shot)
        observe(Observation(name, step.captured, step.outcome, run, step.seen_s))
    return counts
