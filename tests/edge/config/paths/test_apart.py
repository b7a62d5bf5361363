import re
import sqlite3
from contextlib import closing
from itertools import combinations
from pathlib import Path

import pytest

from edge.__main__ import EXIT_CONFIG, main
from edge.config.file import checked
from edge.config.paths.apart import BESIDE, WRITTEN
from edge.config.paths.named import named_paths
from edge.config.reader import key_name, parse_document
from edge.delivery.owed import SUFFIX as OWED
from edge.delivery.room import SUFFIX as RESERVE
from edge.errors import ConfigError
from edge.service.sole_use import LOCK

BROKER = "{type: mqtt, host: broker, desired: {key: owner.pem, newest: newest.json}}"
CONFIGURATION = f"""\
pair: pair
engine: {{pair_key: pair.pem}}
detector: {{model: detector.onnx}}
sources: [{{name: door, uri: footage, baseline: door.json}}]
sinks: [{{type: directory, path: faces}}, {BROKER}]
delivery: {{outbox: {{path: outbox.sqlite}}}}
shadow_log: {{path: log.sqlite}}
page:
  token: {{name: t, file: t.txt}}
  history: history.sqlite
  certificate: page.pem
  key: page-key.pem
"""
FILES = ("outbox.sqlite", "log.sqlite", "history.sqlite", "newest.json")
"""That a gate writes to."""
FOLDERS = ("pair", "footage", "faces")
OTHERS = (
    *("pair.pem", "detector.onnx", "door.json", "owner.pem", "page.pem", "page-key.pem", "t.txt"),
    "gate.yaml",
)


def mistakes(folder: Path, text: str) -> list[str]:
    try:
        checked(parse_document(text, folder / "gate.yaml"))
    except ConfigError as error:
        return [line.removeprefix(f"{folder}/gate.yaml") for line in str(error).splitlines()]
    return []


def renamed(old: str, new: str) -> str:
    return re.sub(rf"(?<=: ){re.escape(old)}(?=[,}}\n])", new, CONFIGURATION)


def test_paths_that_lie_apart_are_taken(tmp_path):
    assert mistakes(tmp_path, CONFIGURATION) == []


@pytest.mark.parametrize(("one", "other"), [*combinations(FILES, 2)])
def test_two_files_that_the_gate_writes_to_are_not_one(one, other, tmp_path):
    (said,) = mistakes(tmp_path, renamed(other, one))
    assert "is where" in said
    assert said.endswith(f"give it a place of its own, got {tmp_path}/{one}")


@pytest.mark.parametrize("written", [*FILES, "faces"])
@pytest.mark.parametrize("other", OTHERS)
def test_nothing_is_written_to_where_the_gate_reads(written, other, tmp_path):
    (said,) = mistakes(tmp_path, renamed(written, other))
    assert "is where" in said


@pytest.mark.parametrize("written", FILES)
@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_that_the_gate_writes_to_is_no_folder(written, folder, tmp_path):
    assert len(mistakes(tmp_path, renamed(written, folder))) == 1
    assert len(mistakes(tmp_path, renamed(folder, f"{written}/within"))) == 1


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_that_the_gate_writes_to_may_lie_in_a_folder(folder, tmp_path):
    for written in FILES:
        assert mistakes(tmp_path, renamed(written, f"{folder}/{written}")) == []


@pytest.mark.parametrize("folder", ["pair", "footage"])
def test_faces_are_not_written_to_where_pair_or_footage_are_read(folder, tmp_path):
    assert len(mistakes(tmp_path, renamed("faces", folder))) == 1


def test_faces_are_not_written_below_a_folder_of_footage_of_which_they_would_become_a_part(
    tmp_path,
):
    (said,) = mistakes(tmp_path, renamed("faces", "footage/of/faces"))
    assert "sinks[0].path: is in sources[0].uri, and the next run would take its faces" in said
    assert mistakes(tmp_path, renamed("footage", "faces/footage")) == []


def test_two_sinks_that_delete_by_rules_of_their_own_have_folders_of_their_own(tmp_path):
    second = "{type: directory, name: long, path: faces/../faces, keep_for: 365d}"
    (said,) = mistakes(tmp_path, CONFIGURATION.replace(BROKER, second))
    assert said == (
        ":5:77: sinks[1].path: is where sinks[0].path is, too: "
        f"give it a place of its own, got {tmp_path}/faces"
    )


@pytest.mark.parametrize("ending", BESIDE)
def test_no_file_is_named_that_another_keeps_beside_itself(ending, tmp_path):
    (said,) = mistakes(tmp_path, renamed("log.sqlite", f"outbox.sqlite{ending}"))
    assert "shadow_log.path: is kept beside delivery.outbox.path" in said


def test_a_link_to_a_file_is_that_file(tmp_path):
    (tmp_path / "link.sqlite").symlink_to("outbox.sqlite")
    (said,) = mistakes(tmp_path, renamed("log.sqlite", "link.sqlite"))
    assert "shadow_log.path: is where delivery.outbox.path is, too" in said


def test_three_of_one_file_are_two_mistakes(tmp_path):
    text = renamed("log.sqlite", "outbox.sqlite").replace("history.sqlite", "outbox.sqlite")
    assert [said.split(": ")[1] for said in mistakes(tmp_path, text)] == [
        "shadow_log.path",
        "page.history",
    ]


def test_the_root_of_all_folders_is_named_without_a_failure(tmp_path):
    for written in FILES:
        assert mistakes(tmp_path, renamed(written, "/")) != []


@pytest.mark.parametrize("command", ["check", "explain", "run"])
def test_every_command_says_the_same_of_two_files_that_are_one(command, tmp_path, capsys):
    path = tmp_path / "gate.yaml"
    path.write_text(renamed("history.sqlite", "log.sqlite"))
    assert main([command, "--config", str(path)]) == EXIT_CONFIG
    assert capsys.readouterr().err == (
        f"{path}:10:12: page.history: is where shadow_log.path is, too: "
        f"give it a place of its own, got {tmp_path}/log.sqlite\n"
    )


def test_what_is_kept_beside_a_database_is_known(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE one (a)")
        made = {path.name[1:] for path in tmp_path.iterdir()} - {""}
    assert {*made, OWED, RESERVE, LOCK} <= set(BESIDE)


def test_what_is_written_to_is_told_by_the_names_of_the_keys(tmp_path):
    config = checked(parse_document(CONFIGURATION, tmp_path / "gate.yaml")).config
    names = {key_name(key): path.name for key, path in named_paths(config)}
    written = {name for key, name in names.items() if WRITTEN.fullmatch(key)}
    assert set(names.values()) - written == {"pair", "footage", *OTHERS} - {"gate.yaml"}
    assert written == {*FILES, "faces"}
