"""`edge-gate score` of very many photographs, without networks."""

import gc
import weakref
from contextlib import nullcontext

import pytest

from edge.__main__ import main
from edge.commands import score
from edge.delivery.record import face_record
from tests.edge.assessments import Given, assessment

FACES = 50


@pytest.fixture
def held(monkeypatch):
    """Score faces that nobody detected; return how many records there were at most at once."""
    records: list[weakref.ref[object]] = []
    most: list[int] = []

    def scored(*_):
        for number in range(FACES):
            yield assessment(Given(source=f"{number}.jpg"))

    def noted(face):
        record = face_record(face)
        records.append(weakref.ref(record))
        most.append(sum(each() is not None for each in records))
        return record

    monkeypatch.setattr(score, "assessments", scored)
    monkeypatch.setattr(score, "_assessor", lambda *_: nullcontext())
    monkeypatch.setattr(score, "face_record", noted)
    gc.collect()
    return most


@pytest.mark.parametrize("form", ["--csv", "--json"])
def test_a_record_is_forgotten_when_it_is_written(held, tmp_path, capsys, form):
    (tmp_path / "one.jpg").touch()
    assert main(["score", str(tmp_path), form]) == 0
    assert f"{FACES} faces: {FACES} forwarded" in capsys.readouterr().err
    assert len(held) == FACES
    assert max(held) <= 3
