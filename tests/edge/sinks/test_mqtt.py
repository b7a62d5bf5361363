import base64
import gc
import json
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import trustme

from edge.config.delivery import MqttSinkSettings, Secret
from edge.delivery.record import FaceRecord
from edge.errors import ConfigError, SinkError, SinkRefusedError
from edge.protocols import Sink
from edge.sinks.mqtt import MqttSink
from tests.edge import mqtt_broker
from tests.edge.deliveries import face
from tests.edge.mqtt_broker import free_port, subscribed, wait_for

PASSWORD = {"EDGE_GATE_MQTT_PASSWORD": "open sesame"}


@pytest.fixture
def broker(tmp_path):
    with mqtt_broker.running(tmp_path) as running:
        yield running


@pytest.fixture
def open_sink():
    opened = []

    def opens(port, **keys):
        own = {"host": "localhost", "port": port, "tls": False, "device": "pole-7", "timeout": 5.0}
        own["status"] = False
        opened.append(MqttSink(MqttSinkSettings(**own | keys), PASSWORD))
        return opened[-1]

    yield opens
    for sink in opened:
        sink.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_face_is_one_message_with_its_record_and_image(broker, open_sink, protocol):
    sink: Sink = open_sink(broker.port, protocol=protocol)
    with subscribed(broker) as heard:
        sink.send(face(1))
        message = wait_for(heard, "/face")
    assert message.topic == "edge-gate/pole-7/1/face"
    assert not message.retained
    said = json.loads(message.payload)
    image = said.pop("face_image")
    assert base64.b64decode(image["base64"]) == face(1).face_image
    assert image["media_type"] == "image/png"
    assert said == json.loads(face(1).record)


def open_sockets():
    """Return how many this process has open."""
    told = (path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    return sum(str(target).startswith("socket:") for target in told)


def test_a_session_that_was_refused_keeps_no_socket_though_its_error_is_kept(tmp_path, open_sink):
    with mqtt_broker.running(tmp_path, "allow_anonymous false") as broker:
        sink = open_sink(broker.port)
        gc.collect()  # what other tests left
        before = open_sockets()
        with pytest.raises(SinkError, match="refuses the connection") as kept:
            sink.send(face(1))
        sink.close()
        assert open_sockets() == before
    assert kept.value.__traceback__ is not None  # knows the session


@pytest.mark.parametrize("is_there", [True, False])
def test_a_closed_sink_leaves_no_socket_to_the_garbage_collector(broker, open_sink, is_there):
    sink = open_sink(broker.port)
    gc.collect()
    gc.disable()
    try:
        before = open_sockets()
        sink.send(face(1))
        assert open_sockets() > before
        if not is_there:
            broker.stop(signal.SIGKILL)
        sink.close()
        assert open_sockets() == before
    finally:
        gc.enable()


def test_the_face_image_may_stay_away(broker, open_sink):
    with subscribed(broker) as heard:
        open_sink(broker.port, include_face_image=False).send(face(1))
        assert wait_for(heard, "/face").payload == face(1).record


def test_a_message_still_reads_as_a_record(broker, open_sink):
    with subscribed(broker) as heard:
        open_sink(broker.port).send(face(1))
        payload = wait_for(heard, "/face").payload
    assert FaceRecord.model_validate_json(payload).key == face(1).key


def test_availability_is_retained_online_and_goes_offline_on_a_goodbye(broker, open_sink):
    sink = open_sink(broker.port)
    sink.send(face(1))
    with subscribed(broker, "+/+/available") as heard:
        first = wait_for(heard, "edge-gate/pole-7/available")
        sink.close()
        second = wait_for(heard, "edge-gate/pole-7/available")
    assert (first.payload, first.retained) == (b"online", True)
    assert second.payload == b"offline"


def test_the_gate_is_seen_online_before_its_first_face(broker, open_sink):
    sink = open_sink(broker.port)
    with subscribed(broker, "+/+/available") as heard:
        sink.idle()
        assert wait_for(heard, "edge-gate/pole-7/available").payload == b"online"


def test_a_broker_that_comes_late_is_told_then_and_its_absence_is_logged_once(
    tmp_path, open_sink, caplog
):
    broker = mqtt_broker.Broker(tmp_path)
    sink = open_sink(broker.port)
    sink.idle()
    sink.idle()
    assert caplog.text.count("until then the gate is shown as offline") == 1
    broker.start()
    try:
        with subscribed(broker, "+/+/available") as heard:
            sink.idle()
            assert wait_for(heard, "edge-gate/pole-7/available").payload == b"online"
        sink.close()
    finally:
        broker.stop()


def test_the_last_will_says_offline_for_a_gate_that_died(broker):
    gate = (
        "import os, sys; from edge.config.delivery import MqttSinkSettings;"
        "from edge.sinks.mqtt import MqttSink; from tests.edge.deliveries import face;"
        "MqttSink(MqttSinkSettings(host='localhost', port=int(sys.argv[1]), tls=False,"
        "device='dead',status=False)).send(face(1)); os.kill(os.getpid(), 9)"
    )
    with subscribed(broker) as heard:
        subprocess.run([sys.executable, "-c", gate, str(broker.port)], check=False)
        said = [wait_for(heard, "/dead/available").payload for _ in range(2)]
    assert said == [b"online", b"offline"]


def test_faces_are_not_kept_by_the_broker(broker, open_sink):
    sink = open_sink(broker.port, home_assistant=True)
    sink.send(face(1))
    with subscribed(broker) as heard:
        sink.send(face(2))
        wait_for(heard, "/2/face")
        kept = [message.topic for message in list(heard.queue) if message.retained]
    assert not [topic for topic in kept if topic.endswith(("/face", "/image"))]


def test_home_assistant_is_told_once_about_each_camera(broker, open_sink):
    sink = open_sink(broker.port, home_assistant=True)
    with subscribed(broker) as heard:
        for _ in range(2):
            sink.send(face(1))
        sensor = wait_for(heard, "sensor/edge-gate-pole-7/1-face_quality/config")
        image = wait_for(heard, "image/edge-gate-pole-7/1-last_face/config")
        shown = wait_for(heard, json.loads(image.payload)["image_topic"])
        later = [wait_for(heard, "").topic for _ in range(3)]
    said = json.loads(sensor.payload)
    assert said["state_topic"] == "edge-gate/pole-7/1/face"
    assert said["availability_topic"] == "edge-gate/pole-7/available"
    assert shown.payload == face(1).face_image
    assert later == [f"edge-gate/pole-7/1/{end}" for end in ("face", "image", "face")]


def test_no_broker_is_tried_again(open_sink):
    with pytest.raises(SinkError, match="refused") as raised:
        open_sink(free_port()).send(face(1))
    assert not isinstance(raised.value, SinkRefusedError)


def test_a_broker_that_stands_still_is_no_delivery(broker, open_sink):
    sink = open_sink(broker.port, timeout=0.5)
    sink.send(face(1))
    broker.send_signal(signal.SIGSTOP)
    with pytest.raises(SinkError, match="no PUBACK"):
        sink.send(face(2))
    with pytest.raises(SinkError, match="no answer to CONNECT"):
        sink.send(face(2))
    broker.send_signal(signal.SIGCONT)
    with subscribed(broker) as heard:
        sink.send(face(3))
        wait_for(heard, "/3/face")


def test_the_sink_works_again_after_the_broker_was_killed(broker, open_sink):
    sink = open_sink(broker.port, timeout=1.0)
    sink.send(face(1))
    broker.stop(signal.SIGKILL)
    with pytest.raises(SinkError):
        sink.send(face(2))
    broker.start()
    with subscribed(broker) as heard:
        sink.send(face(2))
        wait_for(heard, "/2/face")


def test_a_message_larger_than_the_broker_takes_is_refused_for_good(tmp_path, open_sink):
    with mqtt_broker.running(tmp_path, "max_packet_size 2000") as broker:
        sink = open_sink(broker.port)
        with pytest.raises(SinkRefusedError, match="at most 2000 bytes"):
            sink.send(face(1))


def test_a_topic_we_may_not_write_to_is_no_delivery(tmp_path, open_sink):
    (tmp_path / "acl").write_text("topic readwrite edge-gate/+/available\n")
    with mqtt_broker.running(tmp_path, f"acl_file {tmp_path / 'acl'}") as broker:
        sink = open_sink(broker.port)
        with pytest.raises(SinkError, match="Not authorized"):
            sink.send(face(1))


def test_a_password_opens_a_broker_that_wants_one(tmp_path, open_sink):
    mqtt_broker.mosquitto()
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", tmp_path / "users", "gate", "open sesame"], check=True
    )
    extra = ("allow_anonymous false", f"password_file {tmp_path / 'users'}")
    with mqtt_broker.running(tmp_path, *extra) as broker:
        with pytest.raises(SinkError, match="Not authorized"):
            open_sink(broker.port, username="gate").send(face(1))
        open_sink(broker.port, username="gate", password=Secret(name="mqtt-password")).send(face(1))


def test_a_missing_password_is_a_mistake_of_the_configuration(open_sink):
    with pytest.raises(ConfigError, match="EDGE_GATE_NOWHERE"):
        open_sink(1883, username="gate", password=Secret(name="nowhere"))


def test_a_client_certificate_opens_a_broker_that_wants_one(tmp_path, open_sink):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name in ("localhost", "gate"):
        certificate = authority.issue_cert(name)
        certificate.private_key_pem.write_to_path(str(tmp_path / f"{name}.key"))
        certificate.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.pem"))
    extra = (
        f"certfile {tmp_path / 'localhost.pem'}",
        f"keyfile {tmp_path / 'localhost.key'}",
        f"cafile {tmp_path / 'ca.pem'}",
        "require_certificate true",
    )
    ours = {"client_certificate": tmp_path / "gate.pem", "client_key": tmp_path / "gate.key"}
    with mqtt_broker.running(tmp_path, *extra) as broker:
        open_sink(broker.port, tls=True, ca_file=tmp_path / "ca.pem", **ours).send(face(1))
        with pytest.raises(SinkError, match="mqtt"):
            open_sink(broker.port, tls=True, ca_file=tmp_path / "ca.pem").send(face(1))


def test_tls_checks_the_brokers_certificate(tmp_path, open_sink):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    extra = (f"certfile {tmp_path / 'cert.pem'}", f"keyfile {tmp_path / 'key.pem'}")
    with mqtt_broker.running(tmp_path, *extra) as broker:
        open_sink(broker.port, tls=True, ca_file=tmp_path / "ca.pem").send(face(1))
        with warnings.catch_warnings():
            # paho leaves a socket whose handshake failed to the garbage collector.
            warnings.simplefilter("ignore", ResourceWarning)
            with pytest.raises(SinkError, match="CERTIFICATE_VERIFY_FAILED"):
                open_sink(broker.port, tls=True).send(face(1))
            gc.collect()
