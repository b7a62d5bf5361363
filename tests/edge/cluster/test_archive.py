"""The folder of a long job, without a cluster."""

import json
import os

import pytest

from edge.cluster.archive import ResultFolder, list_digest, parts_of
from edge.cluster.parquet import parquet_bytes, read_rows
from edge.errors import ArchiveError

JOB = {"pair_id": "0a", "list": list_digest(["a"]), "shares": (0.5,)}


@pytest.fixture
def part(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (part,) = parts_of(["a"], 2, tmp_path)
    return part


@pytest.fixture
def folder(tmp_path):
    return ResultFolder(tmp_path / "out", JOB)


def content(part):
    return parquet_bytes([{"score": 0.1}], {"score": "double"}, {"stamp": part.stamp})


def test_a_list_is_cut_without_loss_in_its_order(tmp_path):
    names = [str(number) for number in range(7)]
    parts = list(parts_of(names, 3, tmp_path))
    assert [name for part in parts for name in part.items] == names
    assert [(part.number, part.first) for part in parts] == [(0, 0), (1, 3), (2, 6)]


def test_a_part_that_is_kept_is_there_also_for_the_next_run(tmp_path, folder, part):
    assert not folder.has(part)
    folder.keep(part, content(part))
    assert ResultFolder(tmp_path / "out", JOB).has(part)
    assert read_rows(folder.path(part)) == [{"score": 0.1}]


def test_a_file_of_another_size_or_time_makes_its_part_stale(tmp_path, folder, part):
    folder.keep(part, content(part))
    os.utime(tmp_path / "a", ns=(0, 1))
    (touched,) = parts_of(["a"], 2, tmp_path)
    (tmp_path / "a").unlink()
    (gone,) = parts_of(["a"], 2, tmp_path)
    assert [folder.has(each) for each in (part, touched, gone)] == [True, False, False]


@pytest.mark.parametrize("damage", [lambda whole: whole[:-9], lambda _: b"", lambda _: b"PAR1"])
def test_a_damaged_part_counts_as_missing(folder, part, damage):
    folder.path(part).write_bytes(damage(content(part)))
    assert not folder.has(part)
    with pytest.raises(ArchiveError, match="delete the file"):
        read_rows(folder.path(part))


def test_a_part_of_another_program_counts_as_missing(folder, part):
    foreign = content(part).replace(b"edge-gate", b"edge-other"[:9])
    folder.path(part).write_bytes(foreign)
    assert not folder.has(part)


@pytest.mark.parametrize(
    ("there", "message"),
    [
        (json.dumps({"pair_id": "0b", "shares": [0.5]}), 'pair_id was "0b", now "0a"'),
        ("[]", "no job of this program"),
        ("{", "not written by this program"),
    ],
)
def test_the_results_of_another_job_are_not_mixed_with_ours(tmp_path, there, message):
    (tmp_path / "job.json").write_text(there)
    with pytest.raises(ArchiveError, match=message):
        ResultFolder(tmp_path, JOB)
    assert (tmp_path / "job.json").read_text() == there


def test_a_full_disk_leaves_no_half_part(small_file_system, part):
    folder = ResultFolder(small_file_system / "out", JOB)
    with pytest.raises(ArchiveError, match="make room and run the same command again"):
        folder.keep(part, bytes(2_000_000))
    assert [path.name for path in folder.folder.iterdir()] == ["job.json"]
