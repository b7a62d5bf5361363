from pathlib import Path

import pytest

from edge.errors import UsageError
from edge.tuning_target import ALL_CAMERAS, EVERY_FACE, targets
from tests.edge.configurations import loaded

ONE = """\
pair: p
gate: {threshold: 30}
sources:
  - {name: door, uri: /footage/door}
sinks: [{type: stdout}]
"""
THREE = """\
pair: p
gate: {threshold: 30, max_roll: 20}
tracks: {keep: 3}
sources:
  - {name: door, uri: /footage/door, gate: {threshold: 40}, masks: ["0,0 1,0 1,1"]}
  - {name: yard, uri: /footage/yard.mp4, mode: every}
  - {name: gate, uri: "rtsp://camera/gate"}
sinks: [{type: stdout}]
"""
FOOTAGE = [Path("monday.mp4")]


def found(text, footage=(), named=None):
    return targets(loaded(text).config, footage, named)


def test_the_only_camera_shares_the_gate_of_all():
    (only,) = found(ONE)
    assert (only.name, only.section) == ("door", ("gate",))
    assert only.footage == (Path("/footage/door"),)


def test_the_only_camera_keeps_a_threshold_of_its_own():
    own = ONE.replace("/door}", "/door, gate: {threshold: 40}}")
    assert found(own)[0].section == ("sources", 0, "gate")


def test_without_footage_each_recording_of_the_configuration_is_a_target():
    door, yard = found(THREE)
    assert (door.name, door.section, door.gate.threshold) == ("door", ("sources", 0, "gate"), 40)
    assert (yard.name, yard.section, yard.gate.threshold) == ("yard", ("sources", 1, "gate"), 30)
    assert (door.keep, yard.keep) == (3, EVERY_FACE)
    assert door.gate.max_roll == 20
    assert len(door.masks) == 1


def test_footage_without_a_name_is_of_all_cameras():
    (everyone,) = found(THREE, FOOTAGE)
    assert (everyone.name, everyone.section) == (ALL_CAMERAS, ("gate",))
    assert everyone.footage == tuple(FOOTAGE)


def test_footage_with_a_name_is_of_that_camera_live_or_not():
    (gate,) = found(THREE, FOOTAGE, "gate")
    assert (gate.name, gate.section, gate.gate.threshold) == ("gate", ("sources", 2, "gate"), 30)


@pytest.mark.parametrize(
    ("named", "message"),
    [("gate", "name recorded footage of it"), ("cellar", "it has door, yard, gate")],
)
def test_a_camera_without_footage_or_entry_is_refused(named, message):
    with pytest.raises(UsageError, match=message):
        found(THREE, named=named)
