import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.config.delivery import DirectorySinkSettings
from edge.delivery.encode import to_delivery
from edge.errors import SinkError, SinkRefusedError
from edge.protocols import Sink
from edge.service.purge import purge_directory
from edge.service.wanted_faces import Wanted
from edge.sinks.directory import DirectorySink
from tests.edge.assessments import Given, assessment, face_image

FACE = "20260102T030405Z-door-000120-0-0123456789abcdef"
NOW = 1_800_000_000.0
DAY = 86400.0


class Clock:
    """A wall clock that stands still until told otherwise."""

    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


def faces(folder):
    return sorted(path.stem for path in folder.glob("*.json"))


def send(sink, *seeds, clock=None):
    for seed in seeds:
        sink.send(to_delivery(assessment(Given(seed=seed, source=f"{seed}.jpg"))))
        if clock is not None:
            clock.now += 1


def stamp(folder, seconds):
    for path in folder.iterdir():
        os.utime(path, (seconds, seconds))


def test_face_image_is_stored_without_loss_beside_its_record(tmp_path):
    sink: Sink = DirectorySink(DirectorySinkSettings(path=tmp_path / "made" / "when missing"))
    delivery = to_delivery(assessment())
    sink.send(delivery)
    sidecar = next((tmp_path / "made" / "when missing").glob("*.json"))
    assert sidecar.read_bytes() == delivery.record + b"\n"
    stored = np.asarray(cv2.imread(str(sidecar.with_suffix(".png"))))
    assert np.array_equal(stored, face_image())


def test_jpeg_is_a_choice(tmp_path):
    delivery = to_delivery(assessment(), media_type="image/jpeg")
    DirectorySink(DirectorySinkSettings(path=tmp_path)).send(delivery)
    assert next(tmp_path.glob("*.jpg")).read_bytes()[:3] == b"\xff\xd8\xff"


def test_the_same_face_sent_twice_is_stored_once(tmp_path):
    sink = DirectorySink(DirectorySinkSettings(path=tmp_path, keep_at_most=5))
    send(sink, 1, 1, 1)
    assert len(list(tmp_path.iterdir())) == 2


def test_two_faces_of_one_frame_are_two_files(tmp_path):
    sink = DirectorySink(DirectorySinkSettings(path=tmp_path))
    for face_index in (0, 1):
        sink.send(to_delivery(assessment(Given(face_index=face_index))))
    assert len(faces(tmp_path)) == 2


def test_the_sidecar_appears_after_its_image(tmp_path):
    """The image's temporary name is taken by a folder, so the first of the two writes fails."""
    sink = DirectorySink(DirectorySinkSettings(path=tmp_path))
    send(sink, 1)
    [name] = faces(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    (tmp_path / f".part-{name}.png").mkdir()
    with pytest.raises(SinkError):
        send(sink, 1)
    assert faces(tmp_path) == []


def test_what_a_process_killed_while_deleting_left_is_deleted_at_the_next_start(tmp_path):
    send(DirectorySink(DirectorySinkSettings(path=tmp_path)), 1)
    sidecar = next(tmp_path.glob("*.json"))
    sidecar.rename(tmp_path / f".part-{sidecar.name}")
    send(DirectorySink(DirectorySinkSettings(path=tmp_path)), 2)
    assert [path.name[0] for path in tmp_path.iterdir()] == ["2", "2"]


def test_oldest_faces_go_when_there_are_too_many(tmp_path):
    clock = Clock()
    sink = DirectorySink(DirectorySinkSettings(path=tmp_path, keep_at_most=2), clock)
    send(sink, 1, 2, 3, 4, clock=clock)
    assert [name[0] for name in faces(tmp_path)] == ["3", "4"]
    assert len(list(tmp_path.iterdir())) == 4


def test_faces_of_an_earlier_run_are_counted(tmp_path):
    clock = Clock()
    send(DirectorySink(DirectorySinkSettings(path=tmp_path)), 1, 2)
    stamp(tmp_path, NOW - 5)
    send(DirectorySink(DirectorySinkSettings(path=tmp_path, keep_at_most=1), clock), 3)
    assert [name[0] for name in faces(tmp_path)] == ["3"]


def test_faces_past_their_time_are_deleted(tmp_path):
    clock = Clock()
    sink = DirectorySink(DirectorySinkSettings(path=tmp_path, keep_for=DAY), clock)
    send(sink, 1)
    clock.now += 2 * DAY
    send(sink, 2)
    assert [name[0] for name in faces(tmp_path)] == ["2"]


def test_without_a_word_faces_are_kept_for_a_month(tmp_path):
    clock = Clock()
    sink = DirectorySink(DirectorySinkSettings(path=tmp_path), clock)
    send(sink, 1)
    clock.now += 29 * DAY
    send(sink, 2)
    assert [name[0] for name in faces(tmp_path)] == ["1", "2"]
    clock.now += 2 * DAY
    send(sink, 3)
    assert [name[0] for name in faces(tmp_path)] == ["2", "3"]


def test_faces_are_kept_for_good_where_that_is_asked_for(tmp_path):
    clock = Clock()
    sink = DirectorySink(DirectorySinkSettings(path=tmp_path, keep_for=36500 * DAY), clock)
    send(sink, 1)
    clock.now += 10_000 * DAY
    send(sink, 2)
    assert len(faces(tmp_path)) == 2


def test_a_face_stored_before_the_clock_was_set_is_not_56_years_old(tmp_path):
    send(DirectorySink(DirectorySinkSettings(path=tmp_path)), 1)
    stamp(tmp_path, 100.0)  # 1970
    send(DirectorySink(DirectorySinkSettings(path=tmp_path, keep_for=DAY), Clock()), 2)
    assert [name[0] for name in faces(tmp_path)] == ["1", "2"]


@pytest.mark.parametrize("keep", [{}, {"keep_at_most": 9}])
def test_what_a_killed_process_left_half_written_is_cleared_away(tmp_path, keep):
    for name in (f".part-{FACE}.png", f".{FACE}.png.123.part"):  # of this release, and the first
        (tmp_path / name).write_bytes(b"half")
    stamp(tmp_path, NOW - DAY)
    send(DirectorySink(DirectorySinkSettings(path=tmp_path, **keep), Clock()), 1)
    assert [path for path in tmp_path.iterdir() if "part" in path.name] == []


FOREIGN = {
    "notes.txt": b"mine",
    "package.json": b"{}",
    "holiday.jpg": b"\xff\xd8\xff",
    "holiday.json": b'{"key": "0123456789abcdef0123456789abcdef"}',
    f"{FACE}.json": b'{"key": "fedcba98765432100123456789abcdef"}',  # the name says another key
    f"{FACE}.png": b"\x89PNG",
    "door-000120-0-aaaaaaaaaaaaaaaa.json": b"[" * 100_000,
    "door-000121-0-aaaaaaaaaaaaaaaa.png": b"no sidecar proves whose it is",
    ".part-holiday.jpg": b"half",
    ".movie.mkv.part": b"half",
    ".holiday.jpg.99.part": b"half",
}
"""What others keep in the folder, some of it named much like a face."""


@pytest.fixture
def shared(tmp_path):
    """A folder with files of others, all older than any face."""
    for name, content in FOREIGN.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "album").mkdir()
    stamp(tmp_path, 200.0)
    yield tmp_path
    assert {name: (tmp_path / name).read_bytes() for name in FOREIGN} == FOREIGN
    assert {(tmp_path / name).stat().st_mtime for name in [*FOREIGN, "album"]} == {200.0}


@pytest.mark.parametrize("keep", [{"keep_at_most": 2}, {"keep_for": 1.5}])
def test_retention_touches_only_what_is_proven_to_be_a_face_of_a_gate(shared, keep):
    clock = Clock()
    send(DirectorySink(DirectorySinkSettings(path=shared, **keep), clock), 1, 2, 3, clock=clock)
    assert [name for name in faces(shared) if name[0] in "123"] == [
        name for name in faces(shared) if name[0] in "23"
    ]


def test_purge_touches_only_what_is_proven_to_be_a_face_of_a_gate(shared):
    send(DirectorySink(DirectorySinkSettings(path=shared)), 1)
    shown = purge_directory(shared, Wanted(0.0), dry_run=True)
    assert purge_directory(shared, Wanted(0.0), dry_run=False) == shown
    assert [face.name[0] for face in shown.gone] == ["1"]


@pytest.mark.parametrize("below", [".", "faces", "faces/door"])
def test_a_folder_that_is_a_file_is_an_error_that_names_it(tmp_path, below):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(SinkError, match="/file is no folder: move away what is there"):
        send(DirectorySink(DirectorySinkSettings(path=blocked / below)), 1)


def test_a_folder_deleted_while_running_is_made_again(tmp_path):
    folder = tmp_path / "faces"
    sink = DirectorySink(DirectorySinkSettings(path=folder, keep_at_most=3, fsync=True))
    send(sink, 1)
    shutil.rmtree(folder)
    send(sink, 2)
    assert len(faces(folder)) == 1


def test_a_full_file_system_leaves_nothing_half_written(small_file_system):
    folder = small_file_system / "faces"
    sink = DirectorySink(DirectorySinkSettings(path=folder))
    with pytest.raises(SinkError, match="No space left"):
        send(sink, *range(100))
    for sidecar in folder.glob("*.json"):
        json.loads(sidecar.read_bytes())
        assert cv2.imread(str(sidecar.with_suffix(".png"))) is not None
    assert list(folder.glob(".*")) == []


def test_a_discarded_face_is_never_packed_for_delivery():
    discarded = replace(assessment(), quality=None)
    with pytest.raises(SinkRefusedError, match="only forwarded faces"):
        to_delivery(discarded)


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_faces_are_read_by_their_owner_and_group_whatever_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        send(DirectorySink(DirectorySinkSettings(path=tmp_path / "faces")), 1)
        send(DirectorySink(DirectorySinkSettings(path=tmp_path / "own", file_mode="0600")), 1)
    finally:
        os.umask(before)
    modes = {
        folder: {path.stat().st_mode & 0o7777 for path in (tmp_path / folder).iterdir()}
        for folder in ("faces", "own")
    }
    assert modes == {"faces": {0o640}, "own": {0o600}}
    assert (tmp_path / "faces").stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("mode", ["640", "rw-r-----", "0888", 416])
def test_permissions_are_written_as_chmod_takes_them(tmp_path, mode):
    with pytest.raises(ValueError, match="file_mode"):
        DirectorySinkSettings(path=tmp_path, file_mode=mode)


def looks_of_the_first_face(monkeypatch, folder, stored):
    """Return how often files are looked at for a face into a folder that holds so many."""
    settings = DirectorySinkSettings(path=folder, keep_at_most=stored + 9)
    send(DirectorySink(settings), *range(stored))
    looks = []
    look = Path.stat

    def counted(path, **options):
        looks.append(path)
        return look(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", counted)
        send(DirectorySink(settings), stored)
    assert len(faces(folder)) == stored + 1
    return len(looks)


def test_a_sink_learns_the_ages_of_all_faces_from_the_folder_without_asking_for_each(
    monkeypatch, tmp_path
):
    few, many = (looks_of_the_first_face(monkeypatch, tmp_path / str(n), n) for n in (3, 30))
    assert many == few
