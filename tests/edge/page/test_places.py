import socket

import pytest

from edge.page.places import (
    KEPT_FOR_LOOPBACK,
    LOOPBACK,
    MOST_CONNECTIONS,
    MOST_OF_A_PEER,
    Places,
    peer_of,
)


class Cut(socket.socket):
    """Stands in for a connection: it tells whether it still is one."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        super().__init__(fileno=self.ours.detach())

    @property
    def is_cut(self):
        self.theirs.setblocking(False)
        try:
            return self.theirs.recv(1) == b""
        except BlockingIOError:
            return False


@pytest.fixture
def places():
    ticks = iter(range(10_000))
    return Places(lambda: next(ticks))


@pytest.fixture
def connection():
    opened = []

    def make():
        opened.append(Cut())
        return opened[-1]

    yield make
    for each in opened:
        each.close()
        each.theirs.close()


def crowd(places, connection, count, network="10.0"):
    """Take places, each for another machine."""
    return [
        places.take(f"{network}.{number // 250}.{number % 250}", connection())
        for number in range(count)
    ]


def test_who_has_waited_longest_gives_way_to_a_newcomer(places, connection):
    held = [places.take("127.0.0.1", connection()) for _ in range(MOST_CONNECTIONS)]
    places.waits(held[0])
    assert places.take("127.0.0.1", connection()) is not None
    assert [place.connection.is_cut for place in held[:3]] == [False, True, False]


def test_nobody_who_is_being_answered_gives_way(places, connection):
    for _ in range(MOST_CONNECTIONS):
        places.take("127.0.0.1", connection()).waits_since_s = None
    assert places.take("127.0.0.1", connection()) is None


def test_a_place_that_is_left_is_free(places, connection):
    held = [places.take("127.0.0.1", connection()) for _ in range(MOST_CONNECTIONS)]
    for place in held:
        place.waits_since_s = None
    places.leave(held[5])
    places.leave(held[5])
    places.take("127.0.0.1", connection()).waits_since_s = None
    assert places.take("127.0.0.1", connection()) is None


def test_a_machine_with_many_connections_loses_its_own(places, connection):
    other = places.take("10.9.9.9", connection())
    held = [places.take("10.0.0.1", connection()) for _ in range(MOST_OF_A_PEER + 1)]
    assert held[0].connection.is_cut
    assert not other.connection.is_cut


def test_a_machine_that_has_all_its_places_answered_gets_no_more_and_others_do(places, connection):
    for _ in range(MOST_OF_A_PEER):
        places.take("10.0.0.1", connection()).waits_since_s = None
    assert places.take("10.0.0.1", connection()) is None
    assert places.take("10.0.0.2", connection()) is not None


def test_this_machine_is_answered_whatever_the_network_does(places, connection):
    for place in crowd(places, connection, MOST_CONNECTIONS - KEPT_FOR_LOOPBACK):
        place.waits_since_s = None
    assert places.take("10.9.9.9", connection()) is None
    probes = [places.take("127.0.0.1", connection()) for _ in range(KEPT_FOR_LOOPBACK)]
    assert None not in probes


def test_the_network_does_not_push_out_this_machine(places, connection):
    probe = places.take("127.0.0.1", connection())
    crowd(places, connection, 2 * MOST_CONNECTIONS)
    assert not probe.connection.is_cut


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("127.0.0.9", LOOPBACK),
        ("::1", LOOPBACK),
        ("192.168.1.2", "192.168.1.2"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_one_machine_is_one_peer(address, peer):
    assert peer_of(address) == peer
