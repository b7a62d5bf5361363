import json
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest

from edge.__main__ import EXIT_USAGE, main
from edge.config.delivery import DirectorySinkSettings, OutboxSettings
from edge.config.model import ShadowLogSettings
from edge.delivery.clock import Clocks
from edge.delivery.outbox import Outbox
from edge.gate.outcome import SeenFace
from edge.samples import Box
from edge.shadow_log.log import logged_face
from edge.shadow_log.tables import Kind
from edge.shadow_log.writer import Noted, ShadowLogWriter
from edge.sinks.directory import DirectorySink
from tests.edge.clocks import DAY
from tests.edge.configurations import SMALLEST
from tests.edge.deliveries import blob, face

OLD, NEW = 1, 2
PLACES_OF_FILES = ("--outbox", "--shadow-log", "--history")
KIND = Kind("door", "run", "observe", "pair")


@pytest.fixture
def outbox(tmp_path):
    """An outbox with a face of ten days ago and one of now."""
    settings = OutboxSettings(path=tmp_path / "outbox.sqlite")
    now = time.time()
    for number, wall in ((OLD, now - 10 * DAY), (NEW, now)):
        opened = Outbox(settings, ("http",), Clocks(wall=partial(float, wall)))
        opened.put(blob(number))
        opened.close()
    return settings.path


@pytest.fixture
def folder(tmp_path):
    """A directory sink with a face of ten days ago and one of now."""
    path = tmp_path / "faces"
    sink = DirectorySink(DirectorySinkSettings(path=path))
    sink.send(face(OLD))
    for file in path.iterdir():
        stored = file.stat().st_mtime - 10 * DAY
        os.utime(file, (stored, stored))
    sink.send(face(NEW))
    return path


def keys(path):
    with closing(sqlite3.connect(path)) as database:
        return [key for (key,) in database.execute("SELECT key FROM faces ORDER BY id")]


def names(folder):
    return sorted(path.name.split("-")[0] for path in folder.iterdir())


def test_purge_deletes_what_is_older_and_leaves_the_rest(outbox, folder, capsys):
    places = ["--outbox", str(outbox), "--directory", str(folder)]
    assert main(["purge", "--older-than", "7d", *places]) == 0
    assert keys(outbox) == [blob(NEW).key]
    assert names(folder) == ["2", "2"]
    assert capsys.readouterr().out.count("deleted 1 face,") == 2


def test_dry_run_names_the_same_faces_and_deletes_none(outbox, folder, capsys):
    places = ["--outbox", str(outbox), "--directory", str(folder)]
    assert main(["purge", "--older-than", "7d", "--dry-run", "--list", *places]) == 0
    said = capsys.readouterr().out
    assert blob(OLD).key in said
    assert blob(NEW).key not in said
    assert said.count("would delete 1 face,") == 2
    assert len(keys(outbox)) == 2
    assert names(folder) == ["1", "1", "2", "2"]


def test_a_configuration_names_the_places(outbox, folder, tmp_path, capsys):
    config = tmp_path / "gate.yaml"
    config.write_text(
        "pair: pair\nsources:\n  - {name: door, uri: door}\n"
        "sinks:\n  - {type: directory, path: faces}\n  - {type: directory, name: b, path: absent}\n"
        "delivery:\n  outbox: {path: outbox.sqlite}\n"
    )
    assert main(["purge", "--older-than", "7d", "--config", str(config)]) == 0
    assert keys(outbox) == [blob(NEW).key]
    assert names(folder) == ["2", "2"]
    assert "absent: not made yet" in capsys.readouterr().out


def test_damaged_files_that_were_set_aside_hold_faces_too(outbox):
    aside = outbox.with_name("outbox.sqlite.corrupt-1")
    aside.write_bytes(b"faces in ruins")
    notes = outbox.with_name("outbox.sqlite.corrupt-notes.txt")
    notes.write_text("what I found out about it")
    main(["purge", "--older-than", "1d", "--outbox", str(outbox)])
    assert aside.exists()
    main(["purge", "--older-than", "0s", "--outbox", str(outbox)])
    assert not aside.exists()
    assert notes.exists()


def test_a_damaged_outbox_is_reported_and_not_set_aside(outbox, capsys):
    outbox.write_bytes(b"no database " * 1000)
    assert main(["purge", "--older-than", "1d", "--outbox", str(outbox)]) == 1
    assert "cannot be told by age" in capsys.readouterr().err
    assert outbox.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["--older-than", "7d"],
        ["--older-than", "7d", "--outbox", "/nowhere/outbox.sqlite"],
    ],
)
def test_a_place_that_is_missing_is_a_wrong_command_line(words):
    assert main(["purge", *words]) == 64


def test_an_age_without_a_unit_is_a_wrong_command_line(outbox, capsys):
    with pytest.raises(SystemExit) as left:
        main(["purge", "--older-than", "7", "--outbox", str(outbox)])
    assert left.value.code == 64
    assert "with one of the units" in capsys.readouterr().err


@pytest.fixture
def shadow_log(tmp_path):
    """A shadow log with a face of ten days ago and one of now."""
    path = tmp_path / "shadow.sqlite"
    for wall in (time.time() - 10 * DAY, time.time()):
        clocks = Clocks(wall=partial(float, wall))
        writer = ShadowLogWriter(ShadowLogSettings(path=path, keep_for=365 * DAY), clocks)
        row = logged_face(SeenFace(Box(0, 0, 9, 9), 1, None), 0, wall, wall)
        writer.put(Noted(KIND, wall, is_still=False, faces=[(row, None)]))
        writer.stop()
    return path


def logged_times(path):
    with closing(sqlite3.connect(path)) as database:
        return [wall for (wall,) in database.execute("SELECT wall_s FROM faces")]


def test_a_shadow_log_is_purged_too(shadow_log, capsys):
    before = logged_times(shadow_log)
    places = ["--shadow-log", str(shadow_log)]
    assert main(["purge", "--older-than", "7d", "--dry-run", "--list", *places]) == 0
    assert "door-1" in capsys.readouterr().out
    assert logged_times(shadow_log) == before
    assert main(["purge", "--older-than", "7d", *places]) == 0
    assert logged_times(shadow_log) == before[1:]
    assert "deleted 1 face," in capsys.readouterr().out


def test_the_shadow_log_of_a_configuration_is_purged(shadow_log, tmp_path):
    config = tmp_path / "gate.yaml"
    config.write_text(
        "pair: pair\nsources: [{name: door, uri: .}]\nsinks: [{type: stdout}]\n"
        "shadow_log: {path: shadow.sqlite}\n"
    )
    assert main(["purge", "--older-than", "0s", "--config", str(config)]) == 0
    assert logged_times(shadow_log) == []


def test_another_file_is_not_taken_for_a_shadow_log(outbox, capsys):
    assert main(["purge", "--older-than", "0s", "--shadow-log", str(outbox)]) == 1
    assert "another program" in capsys.readouterr().err
    assert len(keys(outbox)) == 2


def test_dead_letters_wait_again_after_requeue(outbox, capsys):
    opened = Outbox(OutboxSettings(path=outbox, ttl=365 * DAY), ("http",))
    queued = opened.due("http")
    assert queued is not None
    opened.refuse(queued.face_id, "http", "401")
    assert main(["outbox", "requeue", "--sink", "http", "--outbox", str(outbox)]) == 0
    assert opened.due("http") == replace(queued, attempts=1)
    opened.close()
    assert "1 dead letter of http put back to be sent" in capsys.readouterr().out


def test_status_is_the_ledger(outbox, capsys):
    assert main(["outbox", "status", "--json", "--outbox", str(outbox)]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["sink"], row["queued"], row["waiting"]) == ("http", 2, 2)
    assert main(["outbox", "status", "--outbox", str(outbox)]) == 0
    headings = capsys.readouterr().out.split()
    assert headings[3:9] == ["waiting", "dead", "evicted", "expired", "purged", "lost"]


def test_a_sink_that_the_outbox_does_not_know_has_no_dead_letters_to_put_back(outbox, capsys):
    words = ["outbox", "requeue", "--sink", "htpp", "--outbox", str(outbox)]
    assert main(words) == EXIT_USAGE
    assert "no sink 'htpp' in the outbox; it has http" in capsys.readouterr().err


def test_status_is_of_the_usual_configuration_when_none_is_named(outbox, capsys, monkeypatch):
    monkeypatch.chdir(outbox.parent)
    outbox.with_name("gate.yaml").write_text(
        f"{SMALLEST}delivery: {{outbox: {{path: {outbox.name}}}}}\n"
    )
    assert main(["outbox", "status", "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["sink"], row["queued"]) == ("http", 2)


@pytest.mark.parametrize(
    "words",
    [
        ("outbox", "status", "--outbox"),
        ("outbox", "requeue", "--sink", "http", "--outbox"),
        *(("purge", "--older-than", "1d", "--dry-run", at) for at in PLACES_OF_FILES),
    ],
    ids=" ".join,
)
def test_an_empty_file_is_made_no_database_by_who_looks_into_it(tmp_path, capsys, words):
    empty = tmp_path / "empty"
    empty.touch()
    assert main([*words, str(empty)]) == EXIT_USAGE
    assert f"{empty} is empty" in capsys.readouterr().err
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [0]
