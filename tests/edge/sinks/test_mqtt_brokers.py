"""Brokers as people have them: two gates of one name, no retained messages, QoS 0, WebSocket."""

import gc
import signal
import warnings

import pytest
import trustme

from edge.config.delivery import MqttSinkSettings
from edge.errors import SinkBusyError, SinkError, SinkRefusedError
from edge.sinks import mqtt_link
from edge.sinks.mqtt import MqttSink
from edge.sinks.mqtt_link import BrokerLink
from edge.sinks.mqtt_terms import Loss
from tests.edge import mqtt_broker
from tests.edge.deliveries import face
from tests.edge.mqtt_broker import free_port, subscribed, wait_for
from tests.edge.mqtt_relay import CONNACK, PINGRESP, PUBACK, TAKEN_OVER, relaying
from tests.edge.watching import until


@pytest.fixture
def broker(tmp_path):
    with mqtt_broker.running(tmp_path) as running:
        yield running


def settings(port, **keys):
    own = {"host": "localhost", "port": port, "tls": False, "device": "box", "timeout": 5.0}
    return MqttSinkSettings(**own | {"status": False} | keys)


@pytest.fixture
def open_sink():
    opened = []

    def opens(port, **keys):
        opened.append(MqttSink(settings(port, **keys)))
        return opened[-1]

    yield opens
    for sink in opened:
        sink.close()


def test_a_gate_whose_session_is_taken_over_says_so_and_leaves_it_to_the_other(
    broker, open_sink, caplog
):
    with relaying(broker.port, last_words=TAKEN_OVER) as relay:
        first, second = open_sink(relay.port), open_sink(relay.port)
        first.idle()
        second.idle()
        until(lambda: "give each gate a device: of its own" in caplog.text)
        about = first.connection()
        assert about.losses == {"taken_over": 1}
        assert "another client with our id 'edge-gate-box-mqtt' took the session over" in str(
            about.problem
        )
        for _ in range(3):
            first.idle()
            with pytest.raises(SinkBusyError, match="0x8E") as raised:
                first.send(face(1))
            assert 10 < raised.value.retry_after_s <= 30
        second.send(face(2))
        assert second.connection().losses == {}
        assert caplog.text.count("took the session over") == 1
        second.close()


def test_each_time_the_rest_is_longer_and_then_it_tries_again(broker, caplog):
    now_s, rests = 0.0, []
    with relaying(broker.port, last_words=TAKEN_OVER) as relay:
        link = BrokerLink(settings(relay.port), "one-id", None, clock=lambda: now_s)
        for _ in range(7):
            link.session()
            assert link.connection.problem is None
            rival = BrokerLink(settings(broker.port), "one-id", None)
            rival.session()
            until(lambda: link.connection.problem)
            with pytest.raises(SinkBusyError) as raised:
                link.session()
            rests.append(raised.value.retry_after_s)
            now_s += rests[-1] + 1
            rival.close()
    assert link.connection.losses == {"taken_over": 7}
    longest = [min(600, 30 * 2**number) for number in range(7)]
    assert all(most / 2 - 1 <= rest <= most for rest, most in zip(rests, longest, strict=True))
    assert caplog.text.count("took the session over") == 7


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_two_gates_of_one_name_are_noticed_where_the_broker_does_not_say_it(
    broker, open_sink, caplog, protocol
):
    """MQTT 3.1.1 cannot, Mosquitto 2.0.11 does not: brief connections give it away."""
    first, second = (open_sink(broker.port, protocol=protocol) for _ in range(2))

    def have_met():
        first.idle()
        second.idle()
        return "give each gate a device: of its own" in caplog.text

    until(have_met)
    assert "perhaps because of another client with our id 'edge-gate-box-mqtt'" in caplog.text
    [loser] = {each for each in (first, second) if "perhaps" in str(each.connection().problem)}
    with pytest.raises(SinkBusyError, match="perhaps"):
        loser.send(face(1))


@pytest.mark.parametrize(
    ("losses", "is_rival"),
    [
        ([Loss("lost", "cut", 59.0)] * 2, False),
        ([Loss("lost", "cut", 59.0)] * 3, True),
        ([Loss("lost", "cut", 59.0)] * 2 + [Loss("lost", "cut", 61.0)] * 3, False),
        ([Loss("ended", "shutting down", 0.1)] * 3, True),
        ([Loss("taken_over", "", 4000.0)], True),
    ],
)
def test_a_poor_network_is_no_rival(losses, is_rival):
    link = BrokerLink(settings(free_port()), "one-id", None)
    for loss in losses:
        link._on_loss(loss)
    with pytest.raises(SinkBusyError if is_rival else SinkError) as raised:
        link.session()
    assert isinstance(raised.value, SinkBusyError) is is_rival


def test_after_a_calm_hour_a_rival_is_a_new_one(monkeypatch):
    monkeypatch.setattr(mqtt_link, "backoff_delay", lambda failures, *_: float(failures))
    link = BrokerLink(settings(free_port()), "one-id", None, clock=lambda: 0.0)
    rests = []
    for lived_s in (5.0, 5.0, 3700.0):
        link._on_loss(Loss("taken_over", "", lived_s))
        rests.append(link._rest_until_s)
    assert rests == [1.0, 2.0, 1.0]


def test_the_reason_of_a_lost_connection_is_kept_and_told_though_no_face_was_on_its_way(
    broker, open_sink, caplog
):
    sink = open_sink(broker.port)
    sink.idle()
    broker.stop(signal.SIGTERM)
    until(lambda: sink.connection().problem)
    assert "the connection was" in caplog.text
    assert sum(sink.connection().losses.values()) == 1
    broker.start()
    sink.idle()
    assert sink.connection().problem is None
    assert "the connection was" in str(sink.connection().last_loss)


def test_a_broker_that_is_not_there_is_a_problem_before_the_first_face(open_sink):
    sink = open_sink(free_port())
    assert sink.connection().problem is None
    sink.idle()
    assert "refused" in str(sink.connection().problem)


@pytest.mark.parametrize(
    "able",
    [
        (("retain_available false",), "5", {}),
        (("max_qos 0",), "5", {}),
        (("retain_available false", "max_qos 0"), "5", {}),
        (("retain_available false",), "3.1.1", {"retain": False}),
        (("max_qos 0",), "3.1.1", {"qos": 0}),
        (("retain_available false", "max_qos 0"), "3.1.1", {"qos": 0, "retain": False}),
    ],
)
@pytest.mark.parametrize("status", [True, False])
def test_a_broker_that_can_do_little_takes_faces_all_the_same(tmp_path, open_sink, able, status):
    extra, protocol, keys = able
    with (
        mqtt_broker.running(tmp_path, *extra) as broker,
        subscribed(broker) as heard,
    ):
        sink = open_sink(broker.port, protocol=protocol, status=status, home_assistant=True, **keys)
        for number in (1, 2):
            sink.send(face(number))
            assert wait_for(heard, f"/{number}/face").payload[:1] == b"{"
        assert sink.connection().losses == {}
        sink.close()
        if not status:
            assert wait_for(heard, "/available").payload == b"offline"


def test_what_a_broker_cannot_do_is_said_once(tmp_path, open_sink, caplog):
    with mqtt_broker.running(tmp_path, "retain_available false", "max_qos 0") as broker:
        sink = open_sink(broker.port)
        sink.send(face(1))
        sink._link.give_up()
        sink.send(face(2))
        sink.close()
    assert caplog.text.count("keeps no messages") == 1
    assert caplog.text.count("takes QoS 0 only") == 1


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_face_of_qos_0_that_a_broker_did_not_read_is_not_delivered(tmp_path, open_sink, protocol):
    with mqtt_broker.running(tmp_path, "max_qos 0") as broker:
        sink = open_sink(broker.port, protocol=protocol, qos=0, timeout=1.0)
        sink.send(face(1))
        broker.send_signal(signal.SIGSTOP)
        with pytest.raises(SinkError, match="no answer after the message"):
            sink.send(face(2))
        broker.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_broker_that_never_acknowledges_costs_one_attempt_each_time(broker, open_sink, protocol):
    with relaying(broker.port, PUBACK) as relay:
        sink = open_sink(relay.port, protocol=protocol, timeout=0.5)
        for _ in range(3):
            with pytest.raises(SinkError, match="no PUBACK for edge-gate/box/1/face") as raised:
                sink.send(face(1))
            assert not isinstance(raised.value, SinkRefusedError | SinkBusyError)
        sink.close()
    assert PUBACK in relay.seen  # the broker did its part


def test_a_broker_that_does_not_answer_connect_is_told(broker, open_sink):
    no_answer = pytest.raises(SinkError, match="no answer to CONNECT")
    with relaying(broker.port, CONNACK) as relay, no_answer:
        open_sink(relay.port, timeout=0.5).send(face(1))


def test_a_broker_that_answers_no_ping_is_noticed_without_a_face(broker):
    with relaying(broker.port, PINGRESP) as relay:
        impatient = settings(relay.port).model_copy(update={"keepalive": 1.0})
        sink = MqttSink(impatient)
        sink.idle()
        until(lambda: sink.connection().losses.get("lost"))
        sink.close()


@pytest.fixture
def websocket(tmp_path):
    """A broker that listens for WebSocket too; Mosquitto 2.0 starts only with another listener."""
    port = free_port()
    extra = (f"listener {port} 127.0.0.1", "protocol websockets")
    with mqtt_broker.running(tmp_path, *extra) as broker:
        yield broker, port


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_faces_go_over_websocket(websocket, open_sink, protocol):
    broker, port = websocket
    sink = open_sink(port, websocket="/mqtt", protocol=protocol)
    with subscribed(broker) as heard:
        for number in (1, 2):
            sink.send(face(number))
            wait_for(heard, f"/{number}/face")
        sink.close()
        assert wait_for(heard, "/available").payload == b"offline"


def test_a_websocket_that_stands_still_is_given_up(websocket, open_sink):
    broker, port = websocket
    sink = open_sink(port, websocket="/mqtt", timeout=1.0)
    sink.send(face(1))
    broker.send_signal(signal.SIGSTOP)
    with pytest.raises(SinkError, match="no PUBACK"):
        sink.send(face(2))
    broker.send_signal(signal.SIGCONT)
    with subscribed(broker) as heard:
        sink.send(face(2))
        wait_for(heard, "/2/face")


def test_websocket_goes_over_tls(tmp_path, open_sink):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    port = free_port()
    extra = (
        f"listener {port} 127.0.0.1",
        "protocol websockets",
        f"certfile {tmp_path / 'cert.pem'}",
        f"keyfile {tmp_path / 'key.pem'}",
    )
    with mqtt_broker.running(tmp_path, *extra) as broker, subscribed(broker) as heard:
        sink = open_sink(port, websocket="/mqtt", tls=True, ca_file=tmp_path / "ca.pem")
        sink.send(face(1))
        wait_for(heard, "/1/face")
        sink.close()


def test_a_server_that_speaks_no_mqtt_over_websocket_is_told(broker, open_sink):
    with warnings.catch_warnings():
        # paho leaves a socket whose handshake failed to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        with pytest.raises(SinkError, match=f"ws://localhost:{broker.port}/mqtt"):
            open_sink(broker.port, websocket="/mqtt", timeout=1.0).send(face(1))
        gc.collect()
