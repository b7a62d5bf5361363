"""
Wrong tokens: how many a client may give, and one line in the log however many come.

A token of sixteen characters is not guessed; this is for the log, and for who chose words. Open
sessions go on meanwhile, so that nobody can shut out those who look already.
"""

import logging
import threading
import time
from collections.abc import Callable

from edge.page.places import peer_of
from engines.amounts import amount

log = logging.getLogger(__name__)

MOST_WRONG = 10
WITHIN_S = 60.0
MOST_PEERS = 1024
"""Remembered at once; the one that began first is forgotten first."""


class WrongTokens:
    """Counts them; for many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[float, int]] = {}
        """By peer: when its minute ends, and how many it gave."""
        self._say_at_s = float("-inf")
        self._unsaid = 0

    def wait_s(self, address: str) -> float:
        """Return the seconds after which a client may give a token again; 0 when it may now."""
        with self._lock:
            ends_at_s, count = self._counts.get(peer_of(address), (0.0, 0))
        return max(ends_at_s - self._clock(), 0.0) if count >= MOST_WRONG else 0.0

    def note(self, address: str) -> None:
        """Count a wrong token."""
        now_s, peer = self._clock(), peer_of(address)
        with self._lock:
            ends_at_s, count = self._counts.get(peer, (float("-inf"), 0))
            if ends_at_s <= now_s:
                self._counts.pop(peer, None)  # so that it is the newest again
                ends_at_s, count = now_s + WITHIN_S, 0
            self._counts[peer] = ends_at_s, count + 1
            if len(self._counts) > MOST_PEERS:
                del self._counts[next(iter(self._counts))]
            self._unsaid += 1
            if now_s < self._say_at_s:
                return
            said, self._unsaid, self._say_at_s = self._unsaid, 0, now_s + WITHIN_S
        more = f"; {amount(said, 'wrong token')} since the last such line" if said > 1 else ""
        log.warning("a wrong token was given by %s%s", address, more)
