import tempfile
import tracemalloc

import pytest

from edge.errors import TuningError
from edge.footage.album import Album

LIMIT = 10_000
PICTURES = [bytes([number]) * 4000 for number in range(200)]


def test_every_picture_comes_back_from_memory_and_from_the_file():
    album = Album(LIMIT)
    kept = [album.put(picture) for picture in PICTURES]
    assert [one.read() for one in reversed(kept)] == PICTURES[::-1]
    later = album.put(b"after reading")
    assert (later.read(), kept[0].read()) == (b"after reading", PICTURES[0])


def test_more_pictures_take_no_more_memory():
    tracemalloc.start()
    album = Album(LIMIT)
    for number in range(10_000):
        album.put(PICTURES[number % 200])
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 10 * LIMIT


def test_the_file_has_no_name(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = [album.put(picture) for album in [Album(LIMIT)] for picture in PICTURES]
    assert list(tmp_path.iterdir()) == []
    assert kept[-1].read() == PICTURES[-1]


def test_a_few_pictures_need_no_file(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    kept = Album(LIMIT).put(b"one")
    assert kept.read() == b"one"


def test_where_there_is_no_room_the_operator_is_told_of_another_folder(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(TuningError, match=r"^/nowhere: pictures .* as TMPDIR$"):
        Album(LIMIT).put(bytes(LIMIT + 1))
