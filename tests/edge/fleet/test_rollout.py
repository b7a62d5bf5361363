"""A threshold for three gates over a real broker with TLS and an ACL, and who cannot set one."""

import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest

from edge.__main__ import main
from edge.commands.check import check_surroundings
from edge.config.delivery import MqttSinkSettings
from edge.config.effective import in_effect
from edge.config.file import read_config
from edge.config.model import Config
from edge.errors import ConfigError, FleetError
from edge.fleet.address import broker_settings
from edge.fleet.desired import Desired, order_bytes
from edge.fleet.follower import Follower, Gate
from edge.fleet.rollout import Plan, Rollout
from edge.fleet.watch import FleetWatch
from edge.monitoring.status import GateStatus
from edge.monitoring.status_teller import StatusTeller
from edge.page.memory import CameraMemory
from edge.page.page import Reloaded
from edge.page.threshold import ConfigurationFile
from edge.sinks.mqtt_terms import Message
from tests.edge.fleet.fleet_keys import signer, write_keys
from tests.edge.fleet_broker import GATES, FleetBroker
from tests.edge.mqtt_broker import PATIENCE_S
from tests.edge.statuses import camera_status, gate_status

TEXT = """\
# {gate}, by hand
pair: pair
gate: {{{decides}}}   # tuned in May
sources: [{{name: door, uri: "rtsp://camera/door"}}, {{name: yard, uri: "rtsp://camera/yard"}}]
sinks:
  - type: mqtt
    host: localhost
    port: {port}
    ca_file: {folder}/ca.pem
    username: {gate}
    password: {{name: none, file: "{folder}/{gate}"}}
    topic: gate/north
    device: {gate}
    timeout: 10s
{desired}
"""
OBEYS = "    desired: {{key: {key}, newest: {newest}}}"


@dataclass
class Obeying:
    """A gate without cameras: its file, its reload, its orders and its status are the real ones."""

    path: Path
    config: Config
    memory: CameraMemory = field(default_factory=CameraMemory)
    reloaded: Reloaded = field(default_factory=Reloaded)
    refuses: str | None = None
    """What the gate says to the next reload."""

    def __post_init__(self) -> None:
        self.teller = StatusTeller(self.status)
        self.teller.follow = self.follower

    def follower(self, settings: MqttSinkSettings) -> Follower:
        assert settings.desired is not None
        gate = Gate(
            f"{settings.topic}/{settings.device}",
            ConfigurationFile(self.path, lambda path: read_config(path).config),
            lambda: self.config,
            self.reload,
            lambda: self.reloaded,
            lambda _: self.memory,
        )
        return Follower(settings.desired, gate, self.teller.wake)

    def reload(self) -> None:
        problem, self.refuses = self.refuses, None
        if problem is None:
            self.config = read_config(self.path).config
        self.reloaded = Reloaded(self.reloaded.number + 1, problem)
        self.teller.wake()

    def status(self) -> GateStatus:
        return gate_status(
            cameras=[
                camera_status(each.name, threshold=in_effect(self.config, each).faces.threshold)
                for each in self.config.sources
            ]
        )

    @property
    def threshold(self) -> float:
        return self.config.gate.threshold


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return write_keys(tmp_path_factory.mktemp("keys"), "owner")


@pytest.fixture
def start(fleet: FleetBroker, keys, tmp_path):
    """Start gates; those named in `objecting` decide by shift_at_most, in `deaf` take no orders."""
    with ExitStack() as ending:

        def begin(names=GATES, objecting=(), deaf=()) -> dict[str, Obeying]:
            gates = {}
            for name in names:
                newest = tmp_path / f"{name}.newest"
                obeys = OBEYS.format(key=keys[1], newest=newest)
                path = tmp_path / f"{name}.yaml"
                decides = "shift_at_most: 0.3" if name in objecting else "threshold: 30"
                path.write_text(
                    TEXT.format(
                        gate=name,
                        decides=decides,
                        port=fleet.broker.port,
                        folder=fleet.folder,
                        desired="" if name in deaf else obeys,
                    )
                )
                gates[name] = gate = Obeying(path, read_config(path).config)
                gate.teller.use(gate.config)
                ending.callback(publish_as, fleet, "control", f"gate/north/{name}/desired")
                ending.callback(gate.teller.join, PATIENCE_S)
                ending.callback(gate.teller.stop)
            return gates

        yield begin


@pytest.fixture
def roll_out(fleet, keys):
    """Roll out as `control` does; return what it said."""

    def run(plan: Plan, private: Path = keys[0], user: str = "control") -> list[str]:
        said: list[str] = []
        settings = broker_settings(fleet.address(user), fleet.files_of(user))
        watch = FleetWatch(settings, "gate/north")
        try:
            Rollout(watch, plan, signer(private), said.append).run()
        except FleetError as error:
            said.append(f"{error}")
        finally:
            watch.close()
        return said

    return run


def test_a_dry_run_asks_every_gate_and_changes_nothing(start, roll_out):
    gates = start()
    before = {name: gate.path.read_text() for name, gate in gates.items()}
    said = roll_out(Plan(42, dry_run=True))
    assert [line.partition(": would")[0] for line in said[:3]] == [
        f"gate/north/{name}: observed" for name in GATES
    ]
    assert "door has seen no face yet" in said[0]
    assert said[3] == "dry run: nothing was changed at 3 gates"
    assert {name: gate.path.read_text() for name, gate in gates.items()} == before


def test_a_threshold_is_observed_everywhere_and_then_set_gate_by_gate(start, roll_out):
    gates = start()
    said = roll_out(Plan(42))
    assert [line.split(":")[1].strip() for line in said] == ["observed"] * 3 + ["applied"] * 3
    assert [gate.threshold for gate in gates.values()] == [42, 42, 42]
    assert "gate: {threshold: 42}   # tuned in May" in gates["yard"].path.read_text()


def test_the_first_gate_that_objects_ends_it_before_anything_is_changed(start, roll_out):
    gates = start(objecting=("warehouse",))
    said = roll_out(Plan(42))
    assert "gate/north/warehouse objects:" in said[-1]
    assert "shift_at_most" in said[-1]
    assert "nothing was changed anywhere" in said[-1]
    assert [gates[name].threshold for name in ("entrance", "yard")] == [30, 30]


def test_a_gate_that_refuses_the_reload_is_put_back_and_those_after_it_are_left(start, roll_out):
    gates = start()
    before = gates["warehouse"].path.read_text()
    gates["warehouse"].refuses = "the engine pair is gone"
    said = roll_out(Plan(42))
    assert "gate/north/warehouse objects: it was taken back: the engine pair is gone" in said[-1]
    assert "changed so far: gate/north/entrance" in said[-1]
    assert [gate.threshold for gate in gates.values()] == [42, 30, 30]
    assert gates["warehouse"].path.read_text() == before


def test_a_gate_whose_configuration_does_not_allow_it_does_not_answer(start, roll_out):
    gates = start(("entrance",), deaf=("entrance",))
    said = roll_out(Plan(42, gates=("entrance",), within_s=1))
    assert "gate/north/entrance does not answer: does its sink have 'desired:'" in said[-1]
    assert gates["entrance"].threshold == 30


def test_changes_of_others_that_nobody_loaded_are_not_loaded_along(start, roll_out):
    gates = start(("entrance",))
    path = gates["entrance"].path
    path.write_text(path.read_text() + "mode: observe\n")
    said = roll_out(Plan(42, gates=("entrance",)))
    assert "holds changes that are not in effect yet" in said[-1]
    assert gates["entrance"].threshold == 30


def test_a_stranger_with_the_brokers_password_cannot_set_a_threshold(start, roll_out, tmp_path):
    gates = start()
    private, _ = write_keys(tmp_path, "stranger")
    said = roll_out(Plan(42), private)
    assert "not signed by the owner of the key" in said[-1]
    assert [gate.threshold for gate in gates.values()] == [30, 30, 30]


def test_an_order_that_was_recorded_does_not_count_again_nor_for_another_gate(
    fleet, start, roll_out, keys
):
    gates = start()
    recorded = order_bytes(desired(20, "entrance"), signer(keys[0]))
    assert "applied" in roll_out(Plan(50, gates=("entrance",)))[-1]
    settings = broker_settings(fleet.address(), fleet.files)
    watch = FleetWatch(settings, "gate/north")
    watch.connect()
    for name, words in (("entrance", "sent again"), ("warehouse", "another gate")):
        watch.publish(Message(f"gate/north/{name}/desired", recorded, retain=True))
        assert watch.wait(partial(said_by, name, words), PATIENCE_S)
        watch.publish(Message(f"gate/north/{name}/desired", b"", retain=True))
    watch.close()
    assert [gate.threshold for gate in gates.values()] == [50, 30, 30]


def test_a_gate_that_begins_anew_does_not_obey_again_what_is_kept_for_it(start, roll_out):
    gates = start(("entrance",))
    roll_out(Plan(42, gates=("entrance",)))
    first = gates["entrance"]
    first.teller.stop()
    first.teller.join(PATIENCE_S)
    by_hand = first.path.read_text().replace("threshold: 42", "threshold: 33")
    first.path.write_text(by_hand)
    again = Obeying(first.path, read_config(first.path).config)
    again.teller.use(again.config)
    try:
        roll_out(Plan(33, gates=("entrance",), dry_run=True))  # it has heard the one before
    finally:
        again.teller.stop()
        again.teller.join(PATIENCE_S)
    assert again.path.read_text() == by_hand


def test_a_gate_may_not_write_orders_to_another_one(fleet):
    with pytest.raises(FleetError, match="Not authorized"):
        publish_as(fleet, "warehouse", "gate/north/entrance/desired")


def publish_as(fleet, user, topic):
    watch = FleetWatch(broker_settings(fleet.address(user), fleet.files_of(user)), "gate/north")
    try:
        watch.publish(Message(topic, b"", retain=True))
    finally:
        watch.close()


def said_by(name, words, heard):
    return any(
        gate.status is not None
        and gate.status.desired is not None
        and words in gate.status.desired.words
        for gate in heard
        if gate.name.endswith(name)
    )


def desired(threshold, gate) -> Desired:
    now = datetime.now(timezone.utc)
    return Desired(
        gate=f"gate/north/{gate}",
        serial=int(now.timestamp() * 1000),
        expires=now + timedelta(hours=1),
        phase="apply",
        threshold=threshold,
    )


@pytest.mark.parametrize("wrong", ["missing", "private"])
def test_check_refuses_a_key_that_could_not_tell_whose_an_order_is(wrong, keys, tmp_path):
    key = keys[0] if wrong == "private" else tmp_path / "nowhere.pem"
    path = tmp_path / "gate.yaml"
    desired = OBEYS.format(key=key, newest=tmp_path / "newest")
    path.write_text(
        TEXT.format(gate="g", decides="threshold: 30", port=1, folder=tmp_path, desired=desired)
    )
    with pytest.raises(ConfigError, match=r"gate.yaml:\d+:\d+: sinks\[0\].desired.key"):
        check_surroundings(read_config(path))


def test_orders_need_the_status_in_which_they_are_answered(tmp_path):
    path = tmp_path / "gate.yaml"
    desired = OBEYS.format(key="key", newest="newest") + "\n    status: false"
    path.write_text(
        TEXT.format(gate="g", decides="threshold: 30", port=1, folder=tmp_path, desired=desired)
    )
    with pytest.raises(ConfigError, match="desired needs status: true"):
        read_config(path)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["fleet"], 64),
        (["fleet", "--broker", "mqtt://h", "--topic", "gate/#"], 64),
        (["fleet", "--broker", "mqtt://h", "--listen", "0.0.0.0:0"], 64),
        (["fleet", "set", "threshold", "101", "--broker", "mqtt://h"], 64),
        (["fleet", "set", "threshold", "42", "--broker", "mqtt://h", "--key", "nowhere.pem"], 78),
    ],
)
def test_a_command_line_that_cannot_work_is_refused_before_anybody_is_asked(words, code):
    with pytest.raises(SystemExit) as ended:
        sys.exit(main(words))
    assert ended.value.code == code
