import pytest

from edge.page.state import state_document
from tests.edge.configurations import loaded

CONFIG = loaded("""\
pair: pairs/default
gate: {threshold: 40}
page: {allow_apply: true}
sources:
  - {name: door, uri: "rtsp://camera/door"}
  - {name: yard, uri: "rtsp://camera/yard", gate: {shift_at_most: 0.3}, mode: observe}
sinks: [{type: stdout}]
""").config


def camera(name="door", **keys):
    ordinary = {
        "name": name,
        "state": "streaming",
        "error": None,
        "picture": None,
        "drift": None,
        "frames": {"looked_at": 8, "late": 2},
        "faces": {"forwarded": 3, "low_quality": 4},
    }
    return ordinary | keys


def shown(*cameras, **keys):
    status = {
        "overload": None,
        "cameras": cameras,
        "sinks": [{"name": "stdout", "delivered": 3, "failed": 0, "error": None}],
        "outbox": {"faces": 5, "bytes": 1, "oldest_s": 2.5, "dead": 1},
        "outbox_problem": None,
    }
    return state_document(status | keys, CONFIG)


def test_a_camera_is_shown_with_its_own_threshold_or_none_where_the_shift_decides():
    door, yard = shown(camera(), camera("yard"))["cameras"]
    assert (door["threshold"], yard["threshold"]) == (40, None)
    assert (door["mode"], yard["mode"]) == ("best_shot", "observe")
    assert (door["frames"], door["faces"], door["forwarded"]) == (10, 7, 3)


def test_an_error_is_shown_until_the_camera_streams_again():
    states = ("streaming", "lost", "starting")
    cameras = shown(*(camera(state=state, error="refused") for state in states))["cameras"]
    assert [each["error"] for each in cameras] == [None, "refused", "refused"]


def test_a_camera_that_a_reload_has_just_taken_away_is_left_out():
    assert [each["name"] for each in shown(camera(), camera("attic"))["cameras"]] == ["door"]


@pytest.mark.parametrize("alarm", [True, False])
def test_a_drift_is_told_with_its_hint_when_it_is_an_alarm(alarm):
    drift = {"psi": 0.314, "limit": 0.25, "alarm": alarm, "hint": "lens dirty?" if alarm else None}
    notices = shown(camera(drift=drift, picture="black"))["cameras"][0]["notices"]
    drifted = "Scores have drifted from the tuned footage (PSI 0.31, limit 0.25): lens dirty?"
    assert notices == ["The picture is black.", *[drifted] * alarm]


def test_an_outbox_that_cannot_be_read_has_no_figures_but_a_problem():
    outbox = shown(outbox=None, outbox_problem="disk full")["outbox"]
    assert outbox == {"waiting": None, "dead": 0, "oldest_s": 0.0, "problem": "disk full"}
