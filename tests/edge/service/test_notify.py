import os
import re
import socket

import pytest

from edge.service.notify import notify, reloading, status, watchdog_interval_s


@pytest.fixture
def listener(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(5)
        yield channel


def test_a_message_is_one_datagram_of_lines(listener):
    assert notify("READY=1", status("1/2\ncameras"), environment=found_at(listener))
    assert listener.recv(4096) == b"READY=1\nSTATUS=1/2 cameras"


def test_an_abstract_socket_is_written_with_an_at_sign():
    name = f"edge-gate-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(f"\0{name}")
        assert notify("READY=1", environment={"NOTIFY_SOCKET": f"@{name}"})
        assert channel.recv(4096) == b"READY=1"


def test_on_a_terminal_messages_go_nowhere():
    assert not notify("READY=1", environment={})


def test_a_service_manager_that_is_gone_stops_nothing(tmp_path):
    assert not notify("READY=1", environment={"NOTIFY_SOCKET": str(tmp_path / "gone")})


def test_a_service_manager_that_does_not_read_stops_nothing(listener):
    while notify("STATUS=" + "x" * 1000, environment=found_at(listener)):
        pass
    assert len(listener.recv(4096)) == 1007


def test_a_reload_is_ordered_by_the_monotonic_clock():
    first, second = (int(reloading()[1].removeprefix("MONOTONIC_USEC=")) for _ in range(2))
    assert first <= second
    assert re.fullmatch(r"RELOADING=1", reloading()[0])


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 10.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({}, None),
        ({"WATCHDOG_USEC": "9" * 30}, None),
        ({"WATCHDOG_USEC": "\u0663"}, None),
    ],
)
def test_pings_come_three_times_as_often_as_the_unit_asks(variables, seconds):
    assert watchdog_interval_s(variables) == seconds


def found_at(listener):
    return {"NOTIFY_SOCKET": listener.getsockname()}
