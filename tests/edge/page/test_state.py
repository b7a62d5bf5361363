import pytest

from edge.monitoring.status import DriftStatus, SinkStatus
from edge.page.state_words import drift_words, duration, sink_words, state_document
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
    for state, error in (("streaming", None), ("lost", "refused"), ("starting", "refused")):
        [camera] = shown(camera_status(state=state, error="refused"))["cameras"]
        assert camera["error"] == error


def test_the_camera_that_needs_somebody_first_comes_first():
    states = {
        "well": camera_status("well"),
        "ended": camera_status("ended", state="disabled"),
        "opening": camera_status("opening", state="starting"),
        "black": camera_status("black", picture="black"),
        "silent": camera_status("silent", state="stalled"),
        "gone": camera_status("gone", state="lost", error="refused"),
        "broken": camera_status("broken", state="disabled", error="no such file"),
    }
    config = loaded(
        "pair: p\nsinks: [{type: stdout}]\nsources:\n"
        + "".join(f"  - {{name: {name}, uri: 'rtsp://camera/x'}}\n" for name in states)
    ).config
    found = state_document(gate_status(cameras=tuple(states.values())), config)["cameras"]
    assert [(each["name"], each["sign"]) for each in found] == [
        ("gone", "bad"),
        ("broken", "bad"),
        ("silent", "warn"),
        ("black", "warn"),
        ("opening", "warn"),
        ("well", "good"),
        ("ended", "ended"),
    ]


def test_reasons_are_told_whatever_they_are():
    faces = {"forwarded": 2, "low_quality": 4, "pose": 0, "a_reason_of_tomorrow": 1}
    [camera] = shown(camera_status(faces=faces))["cameras"]
    assert camera["reasons"] == {"low quality": 4, "a reason of tomorrow": 1}


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
    assert outbox == {"kept": False, "faces": None, "problem": "disk full"}


@pytest.mark.parametrize(
    ("drift", "has_baseline", "words"),
    [
        (None, False, "No baseline: name the file that edge-gate tune writes"),
        (None, True, "Fewer than 20 people in the last hour"),
        ((0.05, False), True, "as when tuned (PSI 0.05, alarm from 0.25)."),
        ((0.31, True), True, "not as when tuned (PSI 0.31, alarm from 0.25)."),
    ],
)
def test_the_baseline_is_told_in_words(drift, has_baseline, words):
    told = None
    if drift is not None:
        told = DriftStatus(psi=drift[0], limit=0.25, alarm=drift[1], hint=None)
    assert words in drift_words(told, has_baseline=has_baseline)


SINK = gate_status().sinks[0]


@pytest.mark.parametrize(
    ("keys", "words", "sign"),
    [
        ({}, "3 delivered; none waiting", "good"),
        ({"waiting": 2, "oldest_s": 9.6}, "3 delivered; 2 waiting, the oldest for 10 s", "good"),
        ({"waiting": 1, "oldest_s": 7200}, "3 delivered; 1 waiting, the oldest for 2 h", "warn"),
        ({"waiting": None}, "3 delivered", "good"),
        ({"dead": 1200}, "3 delivered; none waiting; 1,200 refused for good", "warn"),
        ({"error": "503", "last_error": "503"}, "3 delivered; none waiting", "bad"),
    ],
)
def test_a_sink_is_told_with_its_queue_and_errors(keys, words, sign):
    status = SinkStatus.model_validate(SINK.model_dump() | keys)
    [sink] = shown(sinks=(status,))["sinks"]
    assert (sink["words"], sink["sign"], sink["error"]) == (words, sign, keys.get("error"))
    assert sink_words(status) == words


def test_the_last_error_of_a_sink_that_works_again_is_kept_apart():
    status = SinkStatus.model_validate(SINK.model_dump() | {"last_error": "timeout"})
    [sink] = shown(sinks=(status,))["sinks"]
    assert (sink["error"], sink["last_error"]) == (None, "timeout")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "2 h"), (200000, "2 d")],
)
def test_durations_are_told_as_people_say_them(seconds, words):
    assert duration(seconds) == words
