"""`edge-gate purge` over a real history: what it counts, what it deletes, and what it leaves."""

import sqlite3
import time
from contextlib import closing

import pytest

from edge.__main__ import main
from edge.history.file import HistoryFile
from edge.history.tables import HOUR_S, Event, Mark, add_amounts, add_events, put_mark
from tests.edge.clocks import DAY

TABLES = ("hours", "events", "marks")


@pytest.fixture
def history(tmp_path):
    """A count, an event and a mark of two days ago and of now, of two cameras."""
    file = HistoryFile(tmp_path / "history.sqlite", time.monotonic)
    now = time.time()
    with closing(file), file.changed() as database:
        for camera, wall_s in (("door", now - 2 * DAY), ("door", now), ("yard", now)):
            hour = int(wall_s // HOUR_S)
            add_amounts(database, {(camera, hour, "reason", "forwarded"): 3})
            add_events(database, [Event(wall_s, camera, "forwarded", 60, "1 face forwarded")])
            put_mark(database, Mark(camera, "pair", f"t{hour}", 60, wanted=True, wall_s=wall_s))
    return file.path


def kept(path):
    with closing(sqlite3.connect(path)) as database:
        return [
            [row[0] for row in database.execute(f"SELECT camera FROM {table} ORDER BY camera")]
            for table in TABLES
        ]


def test_a_history_is_purged_by_age(history, capsys):
    words = ["purge", "--older-than", "1d", "--history", str(history)]
    assert main([*words, "--dry-run", "--list"]) == 0
    said = capsys.readouterr().out
    assert "would delete 1 hourly count, 1 event and 1 mark; no face is in it" in said
    assert [line.split()[1] for line in said.splitlines()[:3]] == ["count", "event", "mark"]
    assert kept(history) == [["door", "door", "yard"]] * 3
    assert main(words) == 0
    assert "deleted 1 hourly count, 1 event and 1 mark" in capsys.readouterr().out
    assert kept(history) == [["door", "yard"]] * 3


def test_a_history_of_a_configuration_is_purged_by_camera(history, capsys):
    config = history.with_name("gate.yaml")
    config.write_text(
        "pair: pair\nsources: [{name: door, uri: .}]\nsinks: [{type: stdout}]\n"
        "page: {history: history.sqlite}\n"
    )
    assert main(["purge", "--camera", "door", "--config", str(config)]) == 0
    assert "deleted 2 hourly counts, 2 events and 2 marks" in capsys.readouterr().out
    assert kept(history) == [["yard"]] * 3


def test_everything_goes_with_the_age_of_nothing(history):
    assert main(["purge", "--older-than", "0s", "--history", str(history)]) == 0
    assert kept(history) == [[]] * 3
    assert b"yard" not in history.read_bytes()


def test_another_file_is_not_taken_for_a_history(history, capsys):
    other = history.with_name("other.sqlite")
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE hours (camera TEXT)")
    assert main(["purge", "--older-than", "0s", "--history", str(other)]) == 1
    assert "other.sqlite" in capsys.readouterr().err
