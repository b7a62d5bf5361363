"""What a broker keeps of a gate's state, on a real Mosquitto."""

import json
import queue
import signal

import pytest

from edge.config.delivery import MqttSinkSettings
from edge.errors import EdgeError, SinkError
from edge.monitoring.status import GateStatus
from edge.monitoring.status_mqtt import MqttStatus
from edge.monitoring.status_teller import StatusTeller
from tests.edge import mqtt_broker
from tests.edge.configurations import loaded
from tests.edge.mqtt_broker import free_port, subscribed, wait_for
from tests.edge.statuses import camera_status, gate_status

STATUS = gate_status()


def settings(port):
    return MqttSinkSettings(
        host="localhost", port=port, tls=False, topic="gate/north", device="door", timeout=2.0
    )


@pytest.fixture
def broker(tmp_path):
    with mqtt_broker.running(tmp_path) as running:
        yield running


@pytest.fixture
def line(broker):
    line = MqttStatus(settings(broker.port))
    yield line
    line.close()


def with_state(state):
    return gate_status(cameras=[camera_status(state=state)])


def test_a_late_subscriber_hears_the_last_state_and_when_it_was(broker, line):
    line.tell(STATUS)
    line.tell(with_state("lost"))
    with subscribed(broker, "gate/+/+/status") as heard:
        message = wait_for(heard, "gate/north/door/status")
    said = GateStatus.model_validate_json(message.payload)
    assert message.retained
    assert said.time is not None
    assert (said.device, said.time.year > 2000) == ("door", True)
    assert said.model_copy(update={"device": None, "time": None}) == with_state("lost")


def test_a_change_of_state_is_told_at_once_and_counts_wait(line):
    busier = gate_status(cameras=[camera_status(frames={"looked_at": 9})])
    told = [line.tell(each) for each in (STATUS, busier, with_state("lost"), STATUS)]
    assert told == [True, False, True, True]


def test_a_broker_that_forgot_is_told_again(broker, line):
    line.tell(STATUS)
    broker.stop(signal.SIGKILL)
    with pytest.raises(SinkError):
        tell_until_it_fails(line)
    broker.start()
    assert line.tell(STATUS)
    with subscribed(broker) as heard:
        kept = {wait_for(heard, "").topic for _ in range(2)}
    assert kept == {"gate/north/door/available", "gate/north/door/status"}


def tell_until_it_fails(line):
    """The loss of a connection is noticed by a thread of its own."""
    state = 0
    while True:
        state += 1
        line.tell(gate_status(outbox_problem=str(state)))


def test_no_broker_is_an_error_that_may_pass():
    with pytest.raises(SinkError, match="refused"):
        MqttStatus(settings(free_port())).tell(STATUS)


@pytest.fixture
def teller():
    """What tells a gate that is busy, until the test says otherwise."""
    documents: list[GateStatus] = []
    asked: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def read():
        asked.put(True)
        if not documents:
            raise EdgeError("the worker did not answer")
        return documents[-1]

    told = StatusTeller(read)
    yield told, documents, asked
    told.stop()
    told.join(mqtt_broker.PATIENCE_S)


def with_sink(broker, **keys):
    own = {"type": "mqtt", "host": "localhost", "port": broker.port, "tls": False, "device": "door"}
    rest = {"pair": "pair", "sources": [{"name": "door", "uri": "photographs"}]}
    return loaded(json.dumps(rest | {"sinks": [own | keys]})).config


def test_a_gate_that_stays_busy_says_so_and_then_how_it_is(broker, teller):
    told, documents, asked = teller
    with subscribed(broker, "+/+/status") as heard:
        told.use(with_sink(broker))
        asked.get(timeout=mqtt_broker.PATIENCE_S)
        told.use(with_sink(broker))
        assert json.loads(wait_for(heard, "").payload)["not_ready"] == "the worker did not answer"
        documents.append(STATUS)
        told.use(with_sink(broker))
        assert json.loads(wait_for(heard, "").payload)["config_hash"] == "0a1b"


def test_a_changed_configuration_says_goodbye_at_the_old_place(broker, teller):
    told, documents, _ = teller
    documents.append(STATUS)
    with subscribed(broker, "+/+/available") as heard:
        told.use(with_sink(broker, topic="before"))
        assert wait_for(heard, "").payload == b"online"
        told.use(with_sink(broker, topic="after"))
        said = [wait_for(heard, "") for _ in range(2)]
        told.use(with_sink(broker, topic="after", status=False))
        last = wait_for(heard, "")
    assert [(each.topic, each.payload) for each in [*said, last]] == [
        ("before/door/available", b"offline"),
        ("after/door/available", b"online"),
        ("after/door/available", b"offline"),
    ]
