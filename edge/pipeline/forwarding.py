"""From a best shot to the outbox: one record, one encoded face image."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass

from edge.config.delivery import DeliverySettings
from edge.delivery.dispatcher import Dispatcher
from edge.delivery.encode import to_delivery
from edge.delivery.outbox_ledger import LedgerRow
from edge.delivery.outbox_tables import Stock
from edge.delivery.record import Capture
from edge.delivery.sender import SenderStatus
from edge.errors import OutboxError
from edge.gate.best_shot import Shot
from edge.gate.observation import StageTimer, unheeded
from edge.pipeline.ledger import Counts
from edge.samples import Reason
from edge.watched_thread import WatchedThread

log = logging.getLogger(__name__)

MOST_TRACKS = 4096
"""Tracks of all cameras whose keys are remembered; more than their gates know again."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a shot comes from."""

    camera: str
    """Its name in the configuration."""
    run: str
    """Makes the track ids of one run of a camera gate different from those of all others."""


class _Keys:
    """Keys of what was sent of each track, so that a better face can name the one it replaces."""

    def __init__(self) -> None:
        self._sent: dict[tuple[Origin, int], dict[int, str]] = {}

    def note(self, shot: Shot, origin: Origin | None, key: str) -> None:
        if origin is None:
            return
        named = origin, shot.track_id
        self._sent[named] = self._sent.pop(named, {}) | {shot.revision: key}
        if len(self._sent) > MOST_TRACKS:
            del self._sent[next(iter(self._sent))]

    def capture_of(self, shot: Shot, origin: Origin) -> Capture:
        if shot.replaces is None:
            return capture_of(shot, origin)
        sent = self._sent.get((origin, shot.track_id), {})
        return capture_of(shot, origin, sent.get(shot.replaces))


@dataclass(frozen=True, slots=True)
class Delivered:
    """How delivering goes at one moment."""

    sinks: tuple[SenderStatus, ...]
    rows: tuple[LedgerRow, ...]
    """One for each sink; empty while the outbox's file fails."""
    stock: Stock | None
    """What the outbox holds; None while its file fails."""
    problem: str | None
    """Why faces are kept in memory only."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What became of one face."""

    key: str
    """Of its record."""
    receivers: str
    """In words: the sinks, and that it waits where one fails."""


class Forwarding:
    """Hands faces to the dispatcher; used by one thread."""

    def __init__(
        self, dispatcher: Dispatcher, settings: DeliverySettings, took: StageTimer = unheeded
    ) -> None:
        self._dispatcher = dispatcher
        self._settings = settings
        self._took = took
        self._keys = _Keys()

    def start(self) -> None:
        """Begin to send, first what an earlier process left."""
        self._dispatcher.start()

    def stop(self, drain_s: float = 0.0) -> int:
        """
        End, and close; what the sinks do not take in so many seconds stays in the outbox.

        Returns:
            Faces that are lost, because they were in memory only.
        """
        return self._dispatcher.stop(drain_s)

    @property
    def problem(self) -> str | None:
        """Why faces are kept in memory only; None while the disk works."""
        return self._dispatcher.problem

    def ledger(self) -> tuple[LedgerRow, ...]:
        """
        Return where the faces of each sink went; after `stop`, as it was at the end.

        Raises:
            OutboxError: The outbox's file cannot be read.
        """
        return tuple(self._dispatcher.ledger())

    def waits_for(self, sink: str) -> bool:
        """
        Tell whether a face waits for a sink.

        Raises:
            OutboxError: The outbox's file cannot be read.
        """
        return self._dispatcher.waits_for(sink)

    def sinks(self) -> tuple[SenderStatus, ...]:
        """Return how each sink is doing."""
        return tuple(self._dispatcher.status())

    def threads(self) -> list[WatchedThread]:
        """Return those that send."""
        return self._dispatcher.threads()

    def delivered(self) -> Delivered:
        """Return how delivering goes, as far as the outbox's file can be read."""
        try:
            rows, stock = self.ledger(), self._dispatcher.stock()
        except OutboxError:
            rows, stock = (), None
        return Delivered(self.sinks(), rows, stock, self.problem)

    def forward(self, shot: Shot, origin: Origin | None, counts: Counts) -> "Forwarded":
        """
        Let the dispatcher keep one face, count what became of it, and return that.

        Args:
            shot: A face to send.
            origin: None for a file, which gives the same records each time it is read.
            counts: Of its source.
        """
        begin_s = time.perf_counter()
        delivery = to_delivery(
            shot.assessment,
            None if origin is None else self._keys.capture_of(shot, origin),
            include_embedding=self._settings.include_embedding,
            media_type=self._settings.face_image,
        )
        self._took("encode", time.perf_counter() - begin_s)
        self._keys.note(shot, origin, delivery.key)
        counts.forwarded += 1
        counts.best_of_track += shot.assessment.verdict.reason is Reason.BEST_OF_TRACK
        try:
            placed = self._dispatcher.accept(delivery)
        except OutboxError:
            counts.lost += 1
            log.exception("face %s is lost: neither disk nor memory keeps it", delivery.key)
            return Forwarded(delivery.key, "nobody: it is lost")
        counts.accepted += placed.kept
        counts.evicted += not placed.kept
        receivers = _receivers(self.sinks()) if placed.kept else "nobody: the outbox holds better"
        return Forwarded(delivery.key, receivers)


def _receivers(sinks: Iterable[SenderStatus]) -> str:
    return ", ".join(
        f"{each.sink} (waits: {each.last_error})" if each.failures_in_a_row else each.sink
        for each in sinks
    )


def capture_of(shot: Shot, origin: Origin, replaces: str | None = None) -> Capture:
    """
    Return what the record of a camera's face says of when and where it was seen.

    Args:
        shot: The face.
        origin: Its camera.
        replaces: Key of the record that it makes superfluous.
    """
    return Capture(
        camera=origin.camera,
        captured_at=shot.captured.wall,
        clock_synced=shot.captured.clock_synced,
        track_id=f"{origin.run}-{shot.track_id}",
        revision=shot.revision,
        replaces=replaces,
    )
