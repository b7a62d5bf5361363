"""
Threads that are watched: none of them dies or gets stuck in silence.

What nobody foresaw is logged with its traceback, and the work begins anew after a rest. Who asks
learns of a thread that fails, one that gave up, and one that has shown no sign of life for too
long; nothing but the end of the process cures the last two.
"""

import logging
import threading
import time
from collections.abc import Callable

from edge.backoff import backoff_delay

log = logging.getLogger(__name__)

PATIENCE_S = 300.0
"""Beyond every timeout that a configuration can ask of one call to a sink or a disk."""
FIRST_REST_S, LONGEST_REST_S = 1.0, 60.0
STEADY_S = 60.0
"""A thread that has worked so long since its last failure is well again."""
MOST_FAILURES = 10
"""In a row: beginning anew once more will not help."""


class WatchedThread:
    """Runs a loop until it returns or `stopping` is set; its methods are safe for all threads."""

    def __init__(
        self,
        name: str,
        run: Callable[[], None],
        patience_s: float = PATIENCE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Prepare; `start` begins.

        Args:
            name: For logs and metrics.
            run: The loop; calls `beat` in each round, and returns soon after `stopping` is set.
            patience_s: Between two signs of life, beyond what a rest takes.
            monotonic: Clock of the signs of life.
        """
        self.name = name
        self.stopping = threading.Event()
        """Set by `stop`."""
        self.failures = 0
        """How often it began anew, or gave up, since the start of the process."""
        self.patience_s = patience_s
        """As given; may be changed before the start."""
        self._run, self._monotonic = run, monotonic
        self._beat_by_s = self._steady_at_s = float("-inf")
        self._in_a_row = 0
        self._error = ""
        self._has_returned = False
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end; it does not begin anew any more."""
        self.stopping.set()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; False when it is still busy."""
        if self.started:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def started(self) -> bool:
        """Whether `start` was called."""
        return self._thread.ident is not None

    def beat(self, rest_s: float = 0.0) -> None:
        """Show a sign of life; the loop is going to rest for so many seconds at most."""
        self._beat_by_s = self._monotonic() + rest_s + self.patience_s

    def death(self) -> str | None:
        """Return why only a new process helps; None while there is hope."""
        if not self.started or self._has_returned or self.stopping.is_set():
            return None
        if not self._thread.is_alive():
            return f"thread {self.name} gave up{self._error}"
        late_s = self._monotonic() - self._beat_by_s
        if late_s <= 0:
            return None
        return f"thread {self.name}: no sign of life for {late_s + self.patience_s:.0f} s"

    def trouble(self) -> str | None:
        """Return what is wrong; None when all is well."""
        death = self.death()
        if death is None and self._monotonic() < self._steady_at_s:
            return f"thread {self.name} failed and began anew{self._error}"
        return death

    def _live(self) -> None:
        while not self._has_returned and self._in_a_row < MOST_FAILURES:
            began_s = self._monotonic()
            try:
                self._run()
                self._has_returned = True
            except Exception as error:
                log.exception("thread %s failed in a way nobody foresaw", self.name)
                self._fail(error, self._monotonic() - began_s)

    def _fail(self, error: Exception, worked_s: float) -> None:
        self.failures += 1
        self._in_a_row = 1 if worked_s > STEADY_S else self._in_a_row + 1
        self._error = f": {type(error).__name__}: {error}"
        rest_s = backoff_delay(self._in_a_row, FIRST_REST_S, LONGEST_REST_S, chance=1.0)
        self.beat(rest_s)
        self._steady_at_s = self._monotonic() + rest_s + STEADY_S
        if self._in_a_row < MOST_FAILURES and self.stopping.wait(rest_s):
            self._has_returned = True
