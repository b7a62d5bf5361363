import json
import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import edge.delivery.record
from edge.delivery.record import (
    Capture,
    FaceRecord,
    face_record,
    idempotency_key,
    key_in_name,
    record_json,
    record_name,
    schema_json,
)
from edge.samples import QualityScore
from engines.quality.component import Component
from tests.edge.assessments import Given, assessment, unit_embedding

SCHEMA_FILE = Path(edge.delivery.record.__file__).with_name("record.schema.json")
NOON = datetime(2026, 6, 1, 14, 0, 0, 250_000, timezone(timedelta(hours=2)))
AT_THE_DOOR = Capture("door", NOON, clock_synced=True, track_id="door-7f-12", revision=1)

MADE = st.builds(
    Given,
    source=st.text(min_size=1),
    index=st.integers(0, 10**9),
    time_s=st.none() | st.floats(0, 1e7),
    face_index=st.integers(0, 99),
    shift=st.none() | st.floats(0, 2),
)
CAPTURES = st.none() | st.builds(
    Capture,
    camera=st.text(min_size=1),
    captured_at=st.datetimes(timezones=st.just(timezone.utc)),
    clock_synced=st.booleans(),
    track_id=st.none() | st.text(),
    revision=st.integers(0, 9),
)


def test_published_schema_is_the_one_of_the_model():
    assert SCHEMA_FILE.read_text() == schema_json(), (
        "run: python -m edge.delivery.record > edge/delivery/record.schema.json"
    )


@given(MADE, CAPTURES, st.booleans())
def test_every_record_satisfies_the_published_schema(made, capture, embedding):
    line = record_json(face_record(assessment(made), capture, include_embedding=embedding))
    Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(json.loads(line))


def test_components_are_in_the_record_when_the_gate_measured_them():
    measured = replace(assessment(), components={"sharpness": Component(0.123456789, 40.0)})
    line = record_json(face_record(measured))
    Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(json.loads(line))
    assert json.loads(line)["components"] == {"sharpness": {"value": 0.123457, "quality": 40.0}}
    assert "components" not in json.loads(record_json(face_record(assessment())))


@given(MADE, CAPTURES)
def test_a_record_reads_back_as_itself(made, capture):
    record = face_record(assessment(made), capture, include_embedding=True)
    assert FaceRecord.model_validate_json(record_json(record)) == record


def test_embedding_is_absent_unless_asked_for():
    assert "embedding" not in json.loads(record_json(face_record(assessment())))


def test_embedding_survives_json_bit_for_bit():
    line = record_json(face_record(assessment(), include_embedding=True))
    embedding = np.array(json.loads(line)["embedding"], np.float32)
    assert embedding.tobytes() == unit_embedding().tobytes()


def test_a_face_that_was_not_scored_has_null_and_no_number():
    record = face_record(assessment(Given(shift=None)))
    assert (record.shift, record.quality, record.score) == (None, None, None)
    assert record.verdict == "discard"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -0.1, 2.1])
def test_a_shift_that_is_no_shift_is_refused(bad):
    broken = replace(assessment(), quality=QualityScore(shift=bad, quality=0.5, score=50.0))
    with pytest.raises(ValueError, match="shift"):
        face_record(broken)


def test_a_still_image_carries_its_path_and_a_video_its_frame_and_time():
    still = face_record(assessment())
    video = face_record(assessment(Given(source="clip.mp4", index=40, time_s=1.6)))
    assert (still.path, still.frame, still.time_s) == ("folder/portrait.jpg", None, None)
    assert (video.path, video.frame, video.time_s) == (None, 40, 1.6)


def test_bytes_of_a_file_name_that_are_no_utf_8_survive_json_as_text():
    record = face_record(assessment(Given(source=os.fsdecode(b"caf\xe9.jpg"))))
    assert json.loads(record_json(record))["path"] == r"caf\xe9.jpg"


def test_capture_time_is_written_in_utc():
    record = face_record(assessment(), AT_THE_DOOR)
    assert json.loads(record_json(record))["captured_at"] == "2026-06-01T12:00:00.250000Z"


def test_float32_figures_keep_their_short_decimals():
    record = face_record(assessment())
    assert record.landmarks[0] == (15.1, 20.1)


def test_key_is_the_same_for_the_same_face():
    assert idempotency_key(assessment()) == idempotency_key(assessment())


@pytest.mark.parametrize(
    "other",
    [
        Given(source="folder/other.jpg"),
        Given(index=1),
        Given(time_s=0.5),
        Given(face_index=1),
        Given(seed=1),
    ],
)
def test_key_differs_for_another_file_frame_time_face_or_pixels(other):
    assert idempotency_key(assessment(other)) != idempotency_key(assessment())


def test_key_differs_for_an_upgrade_of_the_same_track():
    upgrade = replace(AT_THE_DOOR, revision=2)
    keys = {idempotency_key(assessment(), capture) for capture in (None, AT_THE_DOOR, upgrade)}
    assert len(keys) == 3


@given(MADE, CAPTURES)
def test_name_is_a_plain_file_name_that_ends_with_the_key(made, capture):
    record = face_record(assessment(made), capture)
    name = record_name(record)
    assert name.endswith(record.key[:16])
    assert key_in_name(name) == record.key[:16]
    assert Path(name).name == name
    assert len(name.encode()) < 200
    assert not name.startswith(".")


def test_names_of_a_camera_sort_by_time():
    later = replace(AT_THE_DOOR, captured_at=NOON + timedelta(seconds=1))
    names = [
        record_name(face_record(assessment(Given("door", n, 1.0)), capture))
        for n, capture in ((9, AT_THE_DOOR), (2, later))
    ]
    assert names == sorted(names)
    assert names[0].startswith("20260601T120000Z-door-000009-0-")
