import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

import edge.monitoring.status
from edge.monitoring.status import (
    GateStatus,
    busy_status,
    schema_json,
    status_json,
    status_schema,
)
from edge.monitoring.status_mqtt import essence
from tests.edge.statuses import camera_status, gate_status

SCHEMA_FILE = Path(edge.monitoring.status.__file__).with_name("status.schema.json")
TOLD = {"device": "north", "time": datetime(2026, 1, 1, tzinfo=timezone.utc)}


def test_the_published_schema_is_the_one_of_the_model():
    assert SCHEMA_FILE.read_text() == schema_json(), (
        "run: python -m edge.monitoring.status > edge/monitoring/status.schema.json"
    )


@pytest.mark.parametrize("status", [gate_status(), busy_status("busy"), gate_status(**TOLD)])
def test_every_status_satisfies_the_published_schema_and_comes_back(status):
    text = status_json(status)
    Draft202012Validator(status_schema()).validate(json.loads(text))
    assert GateStatus.model_validate_json(text) == status
    assert (b'"device"' in text, b'"time"' in text) == (status.device is not None,) * 2


def test_a_reader_of_today_accepts_a_field_of_tomorrow():
    later = json.loads(status_json(gate_status())) | {"weather": "fine"}
    assert GateStatus.model_validate(later) == gate_status()
    Draft202012Validator(status_schema()).validate(later)


def test_a_number_that_is_none_is_no_status():
    with pytest.raises(ValidationError):
        camera_status(frame_age_s=float("nan"))


@pytest.mark.parametrize(
    "change",
    [
        {"cameras": [camera_status(state="lost")]},
        {"cameras": [camera_status(error="refused")]},
        {"cameras": [camera_status(picture="black")]},
        {"overload": 2.0},
        {"not_ready": "no source gives frames"},
        {"configuration_is_newest": False},
        {"outbox_problem": "disk full"},
    ],
)
def test_a_change_that_somebody_waits_for_is_of_the_essence(change):
    assert essence(gate_status(**change)) != essence(gate_status())


def test_a_count_is_not_of_the_essence():
    busier = gate_status(cameras=[camera_status(frames={"looked_at": 9}, age_p50_ms=1)])
    assert essence(busier) == essence(gate_status())
