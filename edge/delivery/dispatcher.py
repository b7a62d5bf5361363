"""
From an accepted face to every sink: the outbox, and a sender thread for each sink.

While the disk is full or broken, faces are kept in memory instead, the best ones if there are too
many. They leave from there as well, and move to the disk as soon as it works again. So do those of
a file that somebody deleted or replaced while it was open.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields

from edge.config.delivery import BackoffSettings, OutboxSettings
from edge.delivery.clock import Clocks
from edge.delivery.face_database import IN_MEMORY
from edge.delivery.missing_faces import note_lacking
from edge.delivery.outbox import Outbox, Placed
from edge.delivery.outbox_ledger import Counted, LedgerRow, summed
from edge.delivery.outbox_tables import Stock
from edge.delivery.sender import Sender, SenderStatus
from edge.errors import OutboxCorruptError, OutboxError, OutboxFullError
from edge.protocols import Sink
from edge.samples import Delivery
from edge.watched_thread import WatchedThread
from engines.amounts import amount

log = logging.getLogger(__name__)

REOPEN_EVERY_S = 10.0
MOST_MOVED = 500
"""Faces at once: a second on a memory card."""
STOP_GRACE_S = 10.0
"""For sinks in the middle of an attempt, beyond the time to drain: their usual timeout."""


class Dispatcher:
    """Accepts faces from one thread; each sink gets each of them at least once."""

    def __init__(
        self,
        sinks: Mapping[str, Sink],
        outbox: OutboxSettings,
        backoff: BackoffSettings,
        clocks: Clocks | None = None,
    ) -> None:
        """
        Open the outbox; `start` begins to send.

        Args:
            sinks: By name; closed by `stop`.
            outbox: Where faces wait.
            backoff: Pace after failures.
            clocks: The system's, unless a test brings its own.

        Raises:
            OutboxError: The file is of another program or of a newer release, or cannot be made.
        """
        self._names = tuple(sinks)
        self._settings = outbox
        self._clocks = clocks or Clocks()
        self._memory = self._new_memory()
        self._adrift: list[Outbox] = []
        """Files that were deleted or replaced while open; their faces leave, and move on."""
        self._disk: Outbox | None = None
        self._reopen_at_s = 0.0
        self._stopped = False
        self._problem: str | None = None
        self._last_ledger: list[LedgerRow] | None = None
        try:
            self._working_disk()
        except OutboxFullError as error:  # a gate that does not start would lose every face
            self._degrade(error)
        self._senders = [
            Sender(name, sink, self._outboxes, backoff) for name, sink in sinks.items()
        ]

    @property
    def problem(self) -> str | None:
        """Why faces are kept in memory only, or by a nameless file; None while the disk works."""
        disk = None if self._stopped else self._disk
        if disk is not None and not disk.is_in_place:
            return self._gone
        return self._problem

    @property
    def _gone(self) -> str:
        return f"outbox {self._settings.path} was deleted or replaced while it was open"

    def start(self) -> None:
        """Begin to send, first what an earlier process left."""
        for sender in self._senders:
            sender.start()

    def accept(self, delivery: Delivery) -> Placed:
        """Keep one face for every sink; it is durable when this returns, unless `problem`."""
        try:
            placed = self._working_disk().put(delivery)
        except OutboxError as error:
            self._degrade(error)
            placed = self._memory.put(delivery)
        else:
            self._recover()
        for sender in self._senders:
            sender.wake()
        return placed

    def threads(self) -> list[WatchedThread]:
        """Return those that send."""
        return [sender.thread for sender in self._senders]

    def status(self) -> list[SenderStatus]:
        """Return how each sink is doing."""
        return [sender.status for sender in self._senders]

    def ledger(self) -> list[LedgerRow]:
        """
        Return where the faces of each sink went; after `stop`, as it was at the end.

        Raises:
            OutboxError: The file cannot be read.
        """
        if self._last_ledger is not None:
            return self._last_ledger
        rows = [row for outbox in self._outboxes() for row in outbox.ledger()]
        names = sorted({row.sink for row in rows})
        return [_sum([row for row in rows if row.sink == name]) for name in names]

    def waits_for(self, sink: str) -> bool:
        """
        Tell whether a face waits for a sink; a short look, however many there are.

        Raises:
            OutboxError: The file cannot be read.
        """
        return any(outbox.waits_for(sink) for outbox in self._outboxes())

    def stock(self) -> Stock:
        """
        Return how much waits, on disk and in memory; dead letters too.

        Raises:
            OutboxError: The file cannot be read.
        """
        stocks = [outbox.stock() for outbox in self._outboxes()]
        return Stock(sum(each.faces for each in stocks), sum(each.bytes for each in stocks))

    def stop(self, drain_s: float = 0.0) -> int:
        """
        End the senders, save what is in memory if the disk allows, and close; safe to call twice.

        Args:
            drain_s: Seconds in which the sinks may still take what is due.

        Returns:
            Faces that are lost, because no disk keeps them; 0 when called again.
        """
        if self._stopped:
            return 0
        self._stopped = True
        for sender in self._senders:
            sender.stop(drain_s)
        deadline_s = self._clocks.monotonic() + drain_s + STOP_GRACE_S
        for sender in self._senders:
            if not sender.join(max(0.0, deadline_s - self._clocks.monotonic())):
                log.warning("sink %s does not end; it is left behind", sender.status.sink)
        try:
            self._working_disk()
        except OutboxError as error:
            self._degrade(error)
        while not self._recover():
            pass
        lost = self._lose()
        with suppress(OutboxError):
            self._last_ledger = self.ledger()
        for outbox in self._outboxes():
            outbox.close()
        return lost

    def _lose(self) -> int:
        """Book what no disk keeps as lost; return how many faces."""
        lost = self._memory.lose()
        if self._settings.path == IN_MEMORY and self._disk is not None:
            lost += self._disk.lose()
        if lost:
            log.error("%s lost: in memory only", amount(lost, "face"))
        self._book(_at_the_end(self._memory))
        lost += sum(map(self._lose_adrift, self._adrift))
        if self._disk is not None:  # which has it all in its books now
            for each in (*self._adrift, self._memory):
                each.close()
            self._adrift, self._memory = [], self._new_memory()
        return lost

    def _new_memory(self) -> Outbox:
        settings = self._settings.model_copy(
            update={"path": IN_MEMORY, "quota": self._settings.memory}
        )
        return Outbox(settings, self._names, self._clocks)

    def _lose_adrift(self, outbox: Outbox) -> int:
        """Book what a file without a name kept, which goes with this process."""
        try:
            faces, counted = outbox.stock().faces, _at_the_end(outbox)
        except OutboxError as error:
            log.error("%s; what was in it is lost", error)  # noqa: TRY400 -- the file's
            return 0
        if faces:
            log.error("%s lost: in a file that was deleted", amount(faces, "face"))
        self._book(counted)
        return faces

    def _book(self, counted: Sequence[Counted]) -> None:
        """Let the next process know what became of faces that no disk has."""
        if not counted:
            return
        if self._disk is None:
            note_lacking(self._settings.path, self._names, counted)
        else:
            self._disk.count_when_possible(counted)

    def _outboxes(self) -> Sequence[Outbox]:
        disk = () if self._disk is None else (self._disk,)
        return (*disk, *self._adrift, self._memory)

    def _working_disk(self) -> Outbox:
        if self._disk is not None and not self._disk.is_in_place:
            self._cast_off(self._disk)
        if self._disk is None:
            now_s = self._clocks.monotonic()
            if self._problem is not None and now_s < self._reopen_at_s:
                raise OutboxError(self._problem)
            self._reopen_at_s = now_s + REOPEN_EVERY_S
            self._disk = Outbox(self._settings, self._names, self._clocks)
        return self._disk

    def _cast_off(self, disk: Outbox) -> None:
        """Begin another file in the place of one that is gone, and move its faces over."""
        self._problem = self._gone
        log.error("%s; another one is begun, and the faces in it move there", self._problem)
        self._disk, self._reopen_at_s = None, 0.0
        if disk.leave_place():
            self._adrift.append(disk)

    def _degrade(self, error: OutboxError) -> None:
        if self._problem is None:
            log.error("%s; meanwhile faces are kept in memory only", error)
        self._problem = str(error)
        if isinstance(error, OutboxCorruptError) and self._disk is not None:
            # Opening it again sets the damaged file aside.
            damaged, self._disk, self._reopen_at_s = self._disk, None, 0.0
            damaged.close()

    def _recover(self) -> bool:
        """Move what waits elsewhere to the disk; False when there is more that can be moved."""
        if self._problem is None or self._disk is None:
            return True
        try:
            is_done = all(_move(each, self._disk) for each in (*self._adrift, self._memory))
        except OutboxError as error:
            self._degrade(error)
            return True
        if not is_done:
            return False
        while self._adrift:
            self._adrift.pop().close()
        log.info("the outbox works again")
        self._problem = None
        return True


def _move(origin: Outbox, disk: Outbox) -> bool:
    """Move faces and ledger to the disk; False when faces are left, so that no camera waits."""
    for _ in range(MOST_MOVED):
        kept = origin.oldest()
        if kept is None:
            _move_ledger(origin, disk)
            return True
        if kept.damage is None:
            disk.put(kept.delivery, kept.sinks)
            origin.forget(kept.face_id)
        else:
            log.error("face %s is lost: %s", kept.delivery.key, kept.damage)
            origin.lose_damaged(kept.face_id)
    return False


def _move_ledger(origin: Outbox, disk: Outbox) -> None:
    """Let also those be in the books of the next process that left from elsewhere."""
    ledger = origin.counted()
    disk.count(ledger)
    origin.count([(sink, event, -faces) for sink, event, faces in ledger])


def _at_the_end(outbox: Outbox) -> list[Counted]:
    """Return the ledger of what goes with this process; what it still keeps is lost with it."""
    left = [(row.sink, "lost", row.waiting + row.dead) for row in outbox.ledger()]
    return summed([*outbox.counted(), *left])


def _sum(rows: Sequence[LedgerRow]) -> LedgerRow:
    counted = {
        field.name: sum(getattr(row, field.name) for row in rows)
        for field in fields(LedgerRow)
        if field.name not in ("sink", "oldest_s")
    }
    ages = [row.oldest_s for row in rows if row.oldest_s is not None]
    return LedgerRow(sink=rows[0].sink, oldest_s=max(ages, default=None), **counted)
