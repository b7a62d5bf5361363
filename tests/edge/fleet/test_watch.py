"""The gates as a real broker with TLS, passwords and an ACL tells them, and what it refuses."""

import gc
import warnings

import pytest

from edge.commands.fleet import TOPIC
from edge.errors import FleetError, UsageError
from edge.fleet.address import Files, broker_settings
from edge.fleet.gates import HeardGate
from edge.fleet.watch import FleetWatch
from edge.monitoring.status_mqtt import MqttStatus
from tests.edge.fleet_broker import GATES
from tests.edge.mqtt_broker import PATIENCE_S, free_port
from tests.edge.statuses import gate_status


@pytest.fixture
def watching():
    watches = []

    def watch(address: str, files: Files, topic: str = "gate/+") -> FleetWatch:
        watches.append(FleetWatch(broker_settings(address, files), topic))
        return watches[-1]

    yield watch
    for each in watches:
        each.close()


def online(gates: list[HeardGate]) -> set[str]:
    return {gate.name for gate in gates if gate.is_online and gate.status is not None}


def test_all_gates_are_heard_and_one_that_dies_is_offline(fleet, watching):
    lines = [MqttStatus(fleet.settings(gate)) for gate in GATES]
    names = {f"gate/north/{gate}" for gate in GATES}
    watch = watching(fleet.address(), fleet.files)
    watch.connect()
    for line in lines:
        line.tell(gate_status())
    assert watch.wait(lambda gates: online(gates) == names, PATIENCE_S)
    lines[2]._link.give_up()  # cut, as by a power loss
    assert watch.wait(lambda gates: online(gates) == names - {"gate/north/yard"}, PATIENCE_S)
    for line in lines:
        line.close()
    late = watching(fleet.address(), fleet.files)
    late.connect()
    assert late.wait(lambda gates: len(gates) == len(names), PATIENCE_S)


def test_no_broker_is_said_with_what_to_do(watching):
    with pytest.raises(FleetError, match="refused: does a broker listen there"):
        watching(f"mqtt://localhost:{free_port()}", Files()).connect()


def test_a_wrong_password_is_said_with_what_to_do(fleet, watching):
    with pytest.raises(FleetError, match="give the right user"):
        watching(fleet.address(), fleet.files_of("nobody")).connect()


def test_a_certificate_of_a_stranger_is_said_with_what_to_do(fleet, watching, tmp_path):
    (tmp_path / "password").write_text("of control")
    with warnings.catch_warnings():
        # paho leaves a socket whose handshake failed to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        with pytest.raises(FleetError, match="as --ca-file"):
            watching(fleet.address(), Files(tmp_path / "password")).connect()
        gc.collect()


def test_a_port_without_tls_is_not_spoken_to_in_clear(fleet, watching):
    address = f"mqtt://control@localhost:{fleet.broker.port}"
    with pytest.raises(FleetError, match="broker"):
        watching(address, fleet.files).connect()


def test_where_the_acl_hides_the_gates_the_words_name_the_line_that_shows_them(fleet, watching):
    line = MqttStatus(fleet.settings("entrance"))
    line.tell(gate_status())
    watch = watching(fleet.address("nobody"), fleet.files_of("nobody"))
    watch.connect()
    assert not watch.wait(bool, 0.5)
    assert "let nobody read it? In Mosquitto's acl_file: topic read gate/#" in watch.nothing_heard()
    line.close()


@pytest.mark.parametrize(
    "address",
    ["broker", "http://broker", "mqtt://", "mqtt://a:b@broker", "mqtt://h:99999", "mqtt://a b"],
)
def test_an_address_that_can_mean_nothing_is_refused_with_the_form_of_a_right_one(address):
    with pytest.raises(UsageError, match="--broker"):
        broker_settings(address, Files())


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("mqtt://h", ("h", 1883, False, None)),
        ("mqtts://me%40x@h", ("h", 8883, True, None)),
        ("wss://h/mqtt", ("h", 443, True, "/mqtt")),
        ("mqtts://[::1]:1", ("::1", 1, True, None)),
    ],
)
def test_an_address_names_host_port_and_encryption(address, expected):
    found = broker_settings(address, Files())
    assert (found.host, found.port, found.tls, found.websocket) == expected


def test_two_who_look_have_two_client_ids():
    first, second = (broker_settings("mqtt://h", Files()) for _ in range(2))
    assert first.device != second.device


@pytest.mark.parametrize(
    ("topic", "fits"),
    [
        ("gate", True),
        ("gate/+", True),
        ("+", True),
        ("gate/#", False),
        ("/gate", False),
        ("", False),
    ],
)
def test_a_topic_of_gates_has_names_and_wildcards_of_one_level(topic, fits):
    assert (TOPIC.fullmatch(topic) is not None) == fits
