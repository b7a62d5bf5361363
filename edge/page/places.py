"""
Places for connections: a bounded number of them, and none is held by waiting.

A newcomer finds a place as long as somebody waits: for a request to begin, or for the rest of one.
Who has waited longest gives way, first among those with the most connections. So a client that
opens many and sends next to nothing loses its own places. Some are kept for this machine, whose
probes must be answered whatever the network does.
"""

import ipaddress
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

MOST_CONNECTIONS = 128
"""Twenty browsers; each keeps up to six."""
MOST_OF_A_PEER = 32
"""Of another machine, or of the network that it may choose its addresses from."""
KEPT_FOR_LOOPBACK = 16
LOOPBACK = "loopback"


def peer_of(address: str) -> str:
    """
    Return who is behind an address: who has one address of IPv6 has 2^64 (RFC 6177).

    Args:
        address: Of a client, as the socket gives it.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_loopback:
        return LOOPBACK
    if ip.version == 6:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


@dataclass(eq=False, slots=True)
class Place:
    """One connection."""

    peer: str
    connection: socket.socket
    """What is cut when it has to give way; with TLS another than was accepted."""
    waits_since_s: float | None
    """Of the monotonic clock; None while it is being answered."""

    def cut(self) -> None:
        """End the connection under the thread that waits for it."""
        with suppress(OSError):  # it may be gone this moment
            # Not SSLSocket.shutdown(): that would continue without TLS.
            socket.socket.shutdown(self.connection, socket.SHUT_RDWR)


class Places:
    """All connections of one server; for many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: set[Place] = set()

    def take(self, address: str, connection: socket.socket) -> Place | None:
        """Return a place; None when there is none and nobody waits who could give way."""
        newcomer = Place(peer_of(address), connection, self._clock())
        with self._lock:
            in_the_way = in_the_way_of(newcomer, self._taken)
            if in_the_way:
                given_way = longest_waiting(in_the_way)
                if given_way is None:
                    return None
                self._taken.discard(given_way)
                given_way.cut()
            self._taken.add(newcomer)
        return newcomer

    def waits(self, place: Place) -> None:
        """Note that the next request is waited for, from now on."""
        place.waits_since_s = self._clock()

    def leave(self, place: Place) -> None:
        """Give a place back; it may be gone already."""
        with self._lock:
            self._taken.discard(place)


def in_the_way_of(newcomer: Place, taken: set[Place]) -> set[Place]:
    """Return the connections of which one has to go; none when there is room."""
    if newcomer.peer != LOOPBACK:
        its_own = {place for place in taken if place.peer == newcomer.peer}
        if len(its_own) >= MOST_OF_A_PEER:
            return its_own
        remote = {place for place in taken if place.peer != LOOPBACK}
        if len(remote) >= MOST_CONNECTIONS - KEPT_FOR_LOOPBACK:
            return remote
    return taken if len(taken) >= MOST_CONNECTIONS else set()


def longest_waiting(places: set[Place]) -> Place | None:
    """Return who waits longest of those with the most connections; None when nobody waits."""
    of_peer = Counter(place.peer for place in places)
    waiting = [place for place in places if place.waits_since_s is not None]
    return min(
        waiting, key=lambda each: (-of_peer[each.peer], each.waits_since_s or 0.0), default=None
    )
