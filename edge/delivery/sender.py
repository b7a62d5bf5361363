"""One thread for each sink: takes faces out of the outbox and sends them, at the sink's pace."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from edge.backoff import backoff_delay, jitter
from edge.config.delivery import BackoffSettings
from edge.delivery.outbox import Outbox
from edge.delivery.outbox_tables import Queued
from edge.errors import OutboxError, SinkBusyError, SinkError, SinkRefusedError
from edge.protocols import Sink, connection_of
from edge.samples import Connection
from edge.watched_thread import WatchedThread
from engines.amounts import amount

log = logging.getLogger(__name__)

LONGEST_IDLE_S = 30.0


@dataclass(frozen=True, slots=True)
class SenderStatus:
    """How a sink is doing, since the start of the process."""

    sink: str
    delivered: int = 0
    refused: int = 0
    """Made dead letters."""
    failed: int = 0
    """Attempts that are repeated."""
    failures_in_a_row: int = 0
    """0 while the sink works."""
    last_error: str | None = None
    """Of the last attempt that failed or was refused."""
    connection: Connection = field(default_factory=Connection)
    """Of a sink that keeps one."""


class Sender:
    """Drains one queue of the outboxes into one sink."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        outboxes: Callable[[], Sequence[Outbox]],
        backoff: BackoffSettings,
        chance: Callable[[], float] = jitter,
    ) -> None:
        """
        Prepare; `start` begins.

        Args:
            name: The sink's queue.
            sink: Where to send; told by the thread when it is idle, and closed at the end.
            outboxes: Returns what to drain, the first one first.
            backoff: Pace after failures.
            chance: Returns random numbers in [0, 1).
        """
        self._name = name
        self._sink = sink
        self._outboxes = outboxes
        self._backoff = backoff
        self._chance = chance
        self._status = SenderStatus(name)
        self._wake = threading.Event()
        self._drain_until_s = 0.0
        self.thread = WatchedThread(f"sender-{name}", self._run)

    @property
    def status(self) -> SenderStatus:
        """A snapshot."""
        return replace(self._status, connection=connection_of(self._sink))

    def start(self) -> None:
        """Begin to send."""
        self.thread.start()

    def wake(self) -> None:
        """Say that there is a new face; a sink that is resting after failures goes on resting."""
        self._wake.set()

    def stop(self, drain_s: float = 0.0) -> None:
        """
        Ask the thread to end; what is not sent stays in the outbox.

        Args:
            drain_s: Seconds in which it may still send what is due, until the first failure.
        """
        self._drain_until_s = time.monotonic() + drain_s
        self.thread.stop()
        self._wake.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of the thread; False when the sink is still busy."""
        if not self.thread.started:
            self._sink.close()
        return self.thread.join(timeout_s)

    def _run(self) -> None:
        rest_s: float | None = 0.0
        while not self.thread.stopping.is_set():
            self._wake.clear()
            rest_s = self._turn()
            if rest_s is None:
                self._idle()
            else:
                self._rest(self.thread.stopping, rest_s)
        while not rest_s and time.monotonic() < self._drain_until_s:
            rest_s = self._turn()
            if rest_s is None:
                break
        self._sink.close()

    def _idle(self) -> None:
        try:
            self._sink.idle()
        except Exception as error:  # noqa: BLE001 -- whatever a sink may raise
            self._rest(self.thread.stopping, self._failed(_unforeseen(error)))
        else:
            self._rest(self._wake, self._idle_s())

    def _rest(self, until: threading.Event, longest_s: float) -> None:
        self.thread.beat(longest_s)
        until.wait(longest_s)
        self.thread.beat()

    def _turn(self) -> float | None:
        """Send one face; return the seconds to rest, None when none is due."""
        problem: OutboxError | None = None
        for outbox in self._outboxes():
            try:
                queued = outbox.due(self._name)
            except OutboxError as error:
                problem = error
                continue
            if queued is not None:
                return self._attempt(outbox, queued)
        return None if problem is None else self._failed(str(problem))

    def _attempt(self, outbox: Outbox, queued: Queued) -> float:
        if queued.damage is not None:
            return self._refused(outbox, queued, queued.damage)
        try:
            self._sink.send(queued.delivery)
        except SinkRefusedError as error:
            return self._refused(outbox, queued, str(error))
        except SinkBusyError as error:
            return self._postponed(outbox, queued, str(error), error.retry_after_s)
        except SinkError as error:
            return self._postponed(outbox, queued, str(error))
        except Exception as error:
            if not self._status.failures_in_a_row:
                log.exception("sink %s failed in a way nobody foresaw", self._name)
            return self._postponed(outbox, queued, _unforeseen(error))
        outbox.delivered(queued.face_id, self._name)
        self._succeeded(replace(self._status, delivered=self._status.delivered + 1))
        return 0.0

    def _postponed(
        self, outbox: Outbox, queued: Queued, error: str, at_least_s: float = 0.0
    ) -> float:
        delay_s = max(self._delay(queued.attempts + 1), at_least_s)
        with suppress(OutboxError):  # then it is due at once, but the sink rests all the same
            outbox.postpone(queued.face_id, self._name, delay_s)
        return max(self._failed(error), at_least_s)

    def _refused(self, outbox: Outbox, queued: Queued, refusal: str) -> float:
        try:
            outbox.refuse(queued.face_id, self._name, refusal, is_damaged=queued.damage is not None)
        except OutboxError as error:
            return self._failed(str(error))
        key = queued.delivery.key
        log.warning("face %s is a dead letter for sink %s: %s", key, self._name, refusal)
        refused = self._status.refused + 1
        self._succeeded(replace(self._status, refused=refused, last_error=refusal))
        return 0.0

    def _succeeded(self, status: SenderStatus) -> None:
        if status.failures_in_a_row:
            failures = amount(status.failures_in_a_row, "failure")
            log.info("sink %s is back after %s", self._name, failures)
        self._status = replace(status, failures_in_a_row=0)

    def _failed(self, error: str) -> float:
        status = self._status
        if status.failures_in_a_row == 0:
            log.warning("sink %s: %s; faces wait in the outbox", self._name, error)
        self._status = replace(
            status,
            failed=status.failed + 1,
            failures_in_a_row=status.failures_in_a_row + 1,
            last_error=error,
        )
        return self._delay(self._status.failures_in_a_row)

    def _delay(self, failures: int) -> float:
        return backoff_delay(failures, self._backoff.first, self._backoff.at_most, self._chance())

    def _idle_s(self) -> float:
        waits = [LONGEST_IDLE_S]
        try:
            for outbox in self._outboxes():
                until_due_s = outbox.seconds_until_due(self._name)
                if until_due_s is not None:
                    waits.append(until_due_s)
        except OutboxError as error:
            return self._failed(str(error))
        return min(waits)


def _unforeseen(error: Exception) -> str:
    return f"{type(error).__name__}: {error}; the log has the details"
