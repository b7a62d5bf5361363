import pytest

from edge.page.state import state_document
from tests.edge.configurations import loaded
from tests.edge.statuses import camera_status, gate_status

CONFIG = loaded("""\
pair: pairs/default
gate: {threshold: 40}
page: {allow_apply: true}
sources:
  - {name: door, uri: "rtsp://camera/door"}
  - {name: yard, uri: "rtsp://camera/yard", gate: {shift_at_most: 0.3}, mode: observe}
sinks: [{type: stdout}]
""").config


def shown(*cameras, **keys):
    return state_document(gate_status(cameras=cameras, **keys), CONFIG)


def test_a_camera_is_shown_with_what_is_in_effect_for_it():
    by_shift = camera_status("yard", mode="observe", threshold=None)
    door, yard = shown(camera_status(), by_shift)["cameras"]
    assert (door["threshold"], yard["threshold"]) == (40, None)
    assert (door["mode"], yard["mode"]) == ("best_shot", "observe")
    assert (door["frames"], door["faces"], door["forwarded"]) == (10, 7, 3)


def test_an_error_is_shown_until_the_camera_streams_again():
    states = ("streaming", "lost", "starting")
    cameras = shown(*(camera_status(state=state, error="refused") for state in states))["cameras"]
    assert [each["error"] for each in cameras] == [None, "refused", "refused"]


def test_a_camera_that_a_reload_has_just_taken_away_is_left_out():
    assert [each["name"] for each in shown(camera_status(), camera_status("attic"))["cameras"]] == [
        "door"
    ]


@pytest.mark.parametrize("alarm", [True, False])
def test_a_drift_is_told_with_its_hint_when_it_is_an_alarm(alarm):
    drift = {"psi": 0.314, "limit": 0.25, "alarm": alarm, "hint": "lens dirty?" if alarm else None}
    notices = shown(camera_status(drift=drift, picture="black"))["cameras"][0]["notices"]
    drifted = "Scores have drifted from the tuned footage (PSI 0.31, limit 0.25): lens dirty?"
    assert notices == ["The picture is black.", *[drifted] * alarm]


def test_an_outbox_that_cannot_be_read_has_no_figures_but_a_problem():
    outbox = shown(outbox=None, outbox_problem="disk full")["outbox"]
    assert outbox == {"waiting": None, "dead": 0, "oldest_s": 0.0, "problem": "disk full"}
