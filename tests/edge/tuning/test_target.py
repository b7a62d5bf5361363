from pathlib import Path

import pytest

from edge.errors import UsageError
from edge.shadow_log.file import open_shadow_log
from edge.tuning.target import ALL_CAMERAS, targets
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
    assert (door.name, door.section, door.faces.gate.threshold) == (
        "door",
        ("sources", 0, "gate"),
        40,
    )
    assert (yard.name, yard.section, yard.faces.gate.threshold) == (
        "yard",
        ("sources", 1, "gate"),
        30,
    )
    assert (door.faces.mode, yard.faces.mode) == ("best_shot", "every")
    assert (door.faces.tracks.keep, door.faces.gate.max_roll) == (3, 20)
    assert len(door.faces.masks) == 1


def test_a_camera_that_only_observes_is_tuned_for_the_mode_to_come():
    observing = THREE.replace("masks:", "mode: observe, masks:")
    assert [target.faces.mode for target in found(observing)] == ["best_shot", "every"]
    (door, _) = found(observing + "mode: every\n")
    assert door.faces.mode == "every"


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "shadow.sqlite"
    open_shadow_log(path).close()
    return path


def test_without_footage_the_shadow_log_is_that_of_live_cameras(log):
    logging = f"{THREE}shadow_log: {{path: {log}}}\n"
    footage = [target.footage for target in found(logging)]
    assert footage == [(Path("/footage/door"),), (Path("/footage/yard.mp4"),), (log,)]


def test_a_shadow_log_knows_which_camera_a_face_is_of(log):
    assert [target.name for target in found(THREE, [log])] == ["door", "yard", "gate"]
    assert {target.footage for target in found(THREE, [log])} == {(log,)}


def test_a_shadow_log_is_not_mixed_with_other_footage(log):
    with pytest.raises(UsageError, match="by itself"):
        found(THREE, [*FOOTAGE, log])


def test_footage_without_a_name_is_of_all_cameras():
    (everyone,) = found(THREE, FOOTAGE)
    assert (everyone.name, everyone.section) == (ALL_CAMERAS, ("gate",))
    assert everyone.footage == tuple(FOOTAGE)


def test_footage_with_a_name_is_of_that_camera_live_or_not():
    (gate,) = found(THREE, FOOTAGE, "gate")
    assert (gate.name, gate.section, gate.faces.gate.threshold) == (
        "gate",
        ("sources", 2, "gate"),
        30,
    )


@pytest.mark.parametrize(
    ("named", "message"),
    [("gate", "name recorded footage of it"), ("cellar", "it has door, yard, gate")],
)
def test_a_camera_without_footage_or_entry_is_refused(named, message):
    with pytest.raises(UsageError, match=message):
        found(THREE, named=named)
