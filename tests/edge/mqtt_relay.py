"""A relay before a real broker that keeps back some of what the broker answers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CONNACK, PUBACK, PINGRESP = 2, 4, 13
"""Packet types (MQTT 5, 2.1.2)."""
TAKEN_OVER = b"\xe0\x23\x8e\x21\x1f\x00\x1eReplaced by another connection"
"""DISCONNECT because of another client with the same id, as ejabberd 23.01 sent it on the wire."""


@dataclass
class Relay:
    """Where it listens, and what it keeps back."""

    port: int
    held_back: frozenset[int]
    """Types of packets of the broker that never arrive; may change at any time."""
    last_words: bytes = b""
    """Sent to the client when the broker hangs up."""
    seen: list[int] = field(default_factory=list)
    """Types of all packets of the broker."""


@contextmanager
def relaying(to_port: int, *held_back: int, last_words: bytes = b"") -> Iterator[Relay]:
    listener = socket.create_server(("127.0.0.1", 0))
    relay = Relay(listener.getsockname()[1], frozenset(held_back), last_words)
    sockets = [listener]
    threads: list[threading.Thread] = []

    def start(target, *arguments):
        threads.append(threading.Thread(target=target, args=arguments))
        threads[-1].start()

    def accept():
        with suppress(OSError):
            while True:
                sockets.append(client := listener.accept()[0])
                try:
                    sockets.append(broker := socket.create_connection(("127.0.0.1", to_port)))
                except OSError:  # the broker is away: so are we
                    client.shutdown(socket.SHUT_RDWR)
                    continue
                start(_forth, client, broker)
                start(_back, relay, broker, client)

    start(accept)
    try:
        yield relay
    finally:
        while threads:  # the first of them may still add to both lists
            for each in sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            threads.pop(0).join()
        for each in sockets:
            each.close()


def _forth(client: socket.socket, broker: socket.socket) -> None:
    with suppress(OSError):
        while data := client.recv(65536):
            broker.sendall(data)
        broker.shutdown(socket.SHUT_WR)


def _back(relay: Relay, broker: socket.socket, client: socket.socket) -> None:
    with suppress(OSError), broker.makefile("rb") as answers:
        while head := answers.read(2):
            packet = bytearray(head)
            while packet[-1] & 0x80:  # a length of several bytes (MQTT 5, 1.5.5)
                packet += answers.read(1)
            length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(packet[1:]))
            packet += answers.read(length)
            relay.seen.append(packet[0] >> 4)
            if packet[0] >> 4 not in relay.held_back:
                client.sendall(packet)
    with suppress(OSError):
        client.sendall(relay.last_words)
        client.shutdown(socket.SHUT_RDWR)
