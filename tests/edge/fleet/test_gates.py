"""What is heard of gates, and which of them comes first."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.fleet.gates import MOST_GATES, HeardGates, fleet_document
from edge.monitoring.status import GateStatus, LastFace, status_json
from tests.edge.statuses import camera_status, gate_status

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)


def told(**keys: object) -> GateStatus:
    return gate_status(**keys).model_copy(
        update={"device": "x", "time": NOW - timedelta(seconds=5)}
    )


def fleet_of(**gates: GateStatus | None) -> HeardGates:
    """Return gates that are online, with the status of each; None tells none."""
    heard = HeardGates()
    for name, status in gates.items():
        heard.take(f"gate/{name}/available", b"online")
        if status is not None:
            heard.take(f"gate/{name}/status", status_json(status))
    return heard


def shown(heard: HeardGates, now: datetime = NOW):
    return fleet_document(heard.all(), now)


def test_the_worst_gate_comes_first():
    lost = camera_status(state="lost", error="401")
    heard = fleet_of(
        well=told(),
        overloaded=told(overload=2.0),
        camera=told(cameras=[lost]),
        hangs=told(not_alive="the worker is stuck"),
        unready=told(not_ready="no camera"),
        mute=None,
        dead=told(),
    )
    heard.take("gate/dead/available", b"offline")
    rows = shown(heard)["gates"]
    assert [row["name"].removeprefix("gate/") for row in rows] == [
        "dead", "mute", "hangs", "unready", "camera", "overloaded", "well",
    ]  # fmt: skip
    assert [row["sign"] for row in rows] == ["bad"] * 5 + ["warn", "good"]
    assert rows[4]["troubles"] == ["door is lost: 401"]
    assert rows[-1]["troubles"] == []


def test_a_gate_tells_versions_pairs_thresholds_and_its_last_face():
    face = LastFace(time=NOW - timedelta(minutes=2), score=71.5)
    door = camera_status(threshold=40, last_face=face)
    yard = camera_status("yard", threshold=25)
    document = shown(fleet_of(north=told(cameras=[door, yard]), south=told(pair_id="other")))
    (north,) = (row for row in document["gates"] if row["name"] == "gate/north")
    assert north["thresholds"] == [25, 40]
    assert north["last_face"] == {"age_s": 120, "score": 71.5, "camera": "door"}
    assert (north["pair_id"], north["age_s"]) == ("pair", 5)
    assert document["pairs"] == [["pair", 1], ["other", 1]]
    assert len(document["versions"]) == 1


def test_a_gate_that_is_online_and_tells_nothing_any_more_is_worth_a_look():
    (row,) = shown(fleet_of(north=told()), NOW + timedelta(hours=1))["gates"]
    assert (row["sign"], row["age_s"]) == ("warn", 3605)


def test_a_gate_whose_clock_goes_before_ours_has_no_negative_age():
    (row,) = shown(fleet_of(north=told()), NOW - timedelta(hours=1))["gates"]
    assert row["age_s"] == 0


def test_a_status_of_an_earlier_release_has_no_last_face_and_is_read():
    heard = fleet_of(north=None)
    document = told().model_dump_json(exclude={"cameras": {"__all__": {"last_face"}}})
    heard.take("gate/north/status", document.encode())
    (row,) = shown(heard)["gates"]
    assert (row["sign"], row["last_face"]) == ("good", None)


def test_a_gate_whose_topics_are_emptied_is_gone():
    heard = fleet_of(north=told())
    heard.take("gate/north/status", b"")
    heard.take("gate/north/available", b"")
    assert shown(heard)["gates"] == []


def test_no_more_than_a_thousand_gates_are_remembered():
    heard = HeardGates()
    for number in range(MOST_GATES + 3):
        heard.take(f"gate/{number}/available", b"online")
    assert (len(heard.all()), heard.turned_away) == (MOST_GATES, 3)


@pytest.mark.parametrize("payload", [b"nonsense", b"{}", b"[" * 2000, b"\xff", b"0" * (1 << 21)])
def test_a_status_that_cannot_be_read_is_told_with_its_gate(payload):
    heard = fleet_of(north=told())
    heard.take("gate/north/status", payload)
    (row,) = shown(heard)["gates"]
    assert row["sign"] == "bad"
    assert "its status" in row["troubles"][0]


@given(st.binary(max_size=200), st.text(max_size=40))
def test_whatever_a_broker_tells_there_is_a_page(payload, topic):
    heard = HeardGates()
    for end in ("/status", "/available", ""):
        heard.take(topic + end, payload)
    shown(heard)
