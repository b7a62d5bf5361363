"""The fleet of `configs/fleet`: two real gates, one real broker with its passwords, ACL and TLS."""

import json
import signal
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from edge.__main__ import main
from edge.config.delivery import MqttSinkSettings, Secret
from edge.config.file import read_config
from edge.errors import SinkError
from edge.sinks.mqtt import MqttSink
from tests.edge import mqtt_broker
from tests.edge.deliveries import face
from tests.edge.fleet.fleet_keys import write_keys
from tests.edge.fleet_broker import write_access
from tests.edge.mqtt_broker import PATIENCE_S, Broker, subscribed, wait_for
from tests.edge.running_gate import ENGINES, ROOT, RunningGate, write_walks
from tests.pairs import put_pair

pytestmark = pytest.mark.registry

MANY = 100
"""Messages of other topics: then one that is missing will not come."""
EXAMPLE = ROOT / "configs" / "fleet"
GATES = ("entrance", "warehouse")
STATES = {f"gate/north/{gate}/{end}" for gate in GATES for end in ("available", "status")}


@pytest.mark.parametrize("gate", GATES)
def test_the_example_is_a_right_configuration(gate):
    config = read_config(EXAMPLE / f"{gate}.yaml").config
    assert [sink.device for sink in config.sinks if isinstance(sink, MqttSinkSettings)] == [gate]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Certificates, passwords, an engine pair and a video."""
    folder = tmp_path_factory.mktemp("fleet")
    write_access(folder, (*GATES, "control"))
    write_keys(folder, "owner")
    put_pair(folder)
    write_walks(folder / "walks.mp4")
    return folder


@pytest.fixture(scope="module")
def broker(folder):
    with mqtt_broker.running(folder, *broker_lines(folder)) as running:
        yield running


def broker_lines(folder):
    """The example's configuration with this machine's files."""
    files = {
        "/etc/mosquitto/certs/broker": str(folder / "broker"),
        "/etc/mosquitto/gates.passwords": str(folder / "passwords"),
        "/etc/mosquitto/gates.acl": str(EXAMPLE / "gates.acl"),
        "/var/lib/mosquitto/": f"{folder}/",
    }
    for line in (EXAMPLE / "mosquitto.conf").read_text().splitlines():
        if line and not line.startswith(("#", "listener")):
            for there, here in files.items():
                line = line.replace(there, here)  # noqa: PLW2901
            yield line


def write_config(folder: Path, broker: Broker, gate: str) -> Path:
    """The example's configuration with this machine's pair, video and broker."""
    config = yaml.safe_load((EXAMPLE / f"{gate}.yaml").read_text())
    (sink,) = config["sinks"]
    sink |= {"host": "localhost", "port": broker.port, "ca_file": str(folder / "ca.pem")}
    sink["password"]["file"] = str(folder / gate)
    public = str(folder / "owner.pub.pem")
    sink["desired"] = {"key": public, "newest": str(folder / f"{gate}.newest")}
    (source,) = config["sources"]
    video = folder / f"{source['name']}.mp4"  # a file's topic has its name, a camera's its own
    if not video.exists():
        video.symlink_to(folder / "walks.mp4")
    endless = {"loop": True, "pace": "timestamps"}
    config["sources"] = [{"name": source["name"], "uri": video.name, **endless}]
    config["delivery"]["outbox"]["path"] = f"{gate}.sqlite"
    path = folder / f"{gate}.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(ENGINES) | config | {"pair": "pair"}))
    return path


@pytest.fixture(scope="module")
def gates(folder, broker) -> Iterator[dict[str, RunningGate]]:
    with ExitStack() as stack:
        running = {
            gate: stack.enter_context(RunningGate(write_config(folder, broker, gate)))
            for gate in GATES
        }
        for gate in running.values():
            gate.wait_for("READY=1")
        yield running


@contextmanager
def control(folder, broker, topics="gate/#"):
    """Hear as the one who looks at all gates."""

    def prepare(client):
        client.username_pw_set("control", "of control")
        client.tls_set_context(ssl.create_default_context(cafile=str(folder / "ca.pem")))

    with subscribed(broker, topics, prepare) as heard:
        yield heard


def first_of_each(heard, topics):
    """Return the first message of each topic."""
    found: dict[str, mqtt_broker.Heard] = {}
    others = 0
    while found.keys() < topics:
        message = heard.get(timeout=PATIENCE_S)
        if message.topic in topics:
            found.setdefault(message.topic, message)
        else:
            others += 1
        assert others < MANY, f"never heard: {topics - found.keys()}"
    return found


@pytest.mark.usefixtures("gates")
def test_the_faces_of_each_gate_come_under_its_own_topic(folder, broker):
    topics = {"gate/north/entrance/door/face", "gate/north/warehouse/ramp/face"}
    with control(folder, broker, "gate/north/+/+/face") as heard:
        found = first_of_each(heard, topics)
    sources = {topic: json.loads(each.payload)["source"] for topic, each in found.items()}
    assert {topic: Path(source).stem for topic, source in sources.items()} == {
        topic: topic.split("/")[3] for topic in topics
    }


def test_a_late_subscriber_sees_the_state_of_every_gate(folder, broker, gates):
    with control(folder, broker) as heard:  # until both have told it
        first_of_each(heard, STATES)
    with control(folder, broker) as heard:
        found = first_of_each(heard, STATES)
    assert all(message.retained for message in found.values())
    assert {found[f"gate/north/{gate}/available"].payload for gate in gates} == {b"online"}
    said = {gate: json.loads(found[f"gate/north/{gate}/status"].payload) for gate in gates}
    assert [said[gate]["device"] for gate in gates] == list(gates)
    assert said["entrance"]["config_hash"] != said["warehouse"]["config_hash"]
    assert said["entrance"]["pair_id"] == said["warehouse"]["pair_id"]
    assert said["entrance"].keys() >= {"version", "cameras", "sinks", "outbox", "summary"}


def test_a_change_of_the_configuration_is_told_at_once(folder, broker, gates):
    path = write_config(folder, broker, "entrance")
    with control(folder, broker, "gate/north/entrance/status") as heard:
        before = json.loads(wait_for(heard, "status").payload)
        path.write_text(path.read_text().replace("threshold: 0", "threshold: 1"))
        gates["entrance"].send(signal.SIGHUP)
        said = before
        while said["config_hash"] == before["config_hash"]:
            said = json.loads(wait_for(heard, "status").payload)
    assert said["configuration_is_newest"]


def test_a_killed_gate_is_offline_and_the_other_is_not(folder, broker, gates):
    with RunningGate(renamed(write_config(folder, broker, "warehouse"))) as third:
        third.wait_for("READY=1")
        with control(folder, broker, "gate/south/+/available") as heard:
            while wait_for(heard, "available").payload != b"online":
                pass
            third.send(signal.SIGKILL)
            assert wait_for(heard, "gate/south/warehouse/available").payload == b"offline"
    with control(folder, broker, "gate/#") as heard:
        found = first_of_each(heard, {"gate/south/warehouse/available", *STATES})
    offline = [topic for topic, each in found.items() if each.payload == b"offline"]
    assert offline == ["gate/south/warehouse/available"]
    assert all(gate.process.poll() is None for gate in gates.values())


def renamed(path):
    """A gate of the same name at another site, with an outbox of its own."""
    text = path.read_text().replace("gate/north", "gate/south").replace(".sqlite", "-south.sqlite")
    text = text.replace(".newest", "-south.newest")
    other = path.with_name("south.yaml")
    other.write_text(text)
    return other


def test_a_threshold_is_rolled_out_over_three_running_gates(folder, broker, gates, capsys):
    control = folder / "control"
    control.write_text("of control")
    address = f"mqtts://control@localhost:{broker.port}"
    words = ["fleet", "set", "threshold", "7", "--topic", "gate/+", "--broker", address]
    words += ["--password-file", str(control), "--ca-file", str(folder / "ca.pem")]
    words += ["--key", str(folder / "owner.pem")]
    south = renamed(write_config(folder, broker, "warehouse"))
    wanted = [f"north/{gate}" for gate in gates] + ["south/warehouse"]
    words += [each for name in wanted for each in ("--gate", f"gate/{name}")]
    with RunningGate(south) as third:
        third.wait_for("READY=1")
        for gate in gates.values():  # whatever other tests wrote into their files
            gate.send(signal.SIGHUP)
            gate.wait_for_log("reloaded")
        assert main([*words, "--dry-run"]) == 0
        assert capsys.readouterr().out.count("would change: ") == 3
        assert "threshold: 0" in south.read_text()
        assert main(words) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in said] == ["observed"] * 3 + ["applied"] * 3
    paths = [folder / f"{gate}.yaml" for gate in gates] + [south]
    assert [read_config(path).config.gate.threshold for path in paths] == [7, 7, 7]


def test_a_gate_cannot_speak_for_another_one(folder, broker):
    settings = MqttSinkSettings(
        host="localhost",
        port=broker.port,
        ca_file=folder / "ca.pem",
        username="entrance",
        password=Secret(name="none", file=folder / "entrance"),
        # Below the topics of the other one, whose gate would take back a session of its own name.
        topic="gate/north/warehouse",
        device="cellar",
        timeout=5.0,
    )
    sink = MqttSink(settings, {})
    with pytest.raises(SinkError, match="Not authorized"):
        sink.send(face(1))
    sink.close()
