"""What every command does about closed pipes, full disks, odd locales and odd file names."""

import argparse
import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.__main__ import COMMANDS, EXIT_BROKEN_PIPE, EXIT_USAGE, GROUPS, imported, main, parser_of

ROOT = Path(__file__).resolve().parents[3]
TABLES = ("schema", "--markdown")
"""Prints much, at once, and with an ellipsis that ASCII lacks."""


def edge(words, stdout, **environment):
    return subprocess.run(
        [sys.executable, "-m", "edge", *words],
        cwd=ROOT,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
        check=False,
    )


@pytest.fixture
def closed_pipe():
    """The end to write to of a pipe whose reader has left, as `head -1` does."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize("words", [TABLES, ("schema",)])
def test_a_reader_that_leaves_ends_the_command_without_a_word(closed_pipe, words):
    done = edge(words, closed_pipe)
    assert (done.returncode, done.stderr) == (EXIT_BROKEN_PIPE, b"")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("words", "code"), [("schema", 0), ("init --no-run", 64), ("run absent.yaml", 78)]
)
def test_a_closed_standard_stream_changes_no_exit_code(closed, words, code):
    command = f'exec "{sys.executable}" -m edge {words} {closed}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


OPENED = """
import os, sys
from edge.__main__ import main
try:
    main()
finally:
    os.write(int(sys.argv[-1]), str(os.open(os.devnull, os.O_RDONLY)).encode())
"""


def test_no_file_takes_the_place_of_a_closed_standard_stream():
    reader, writer = os.pipe()
    command = f'exec "{sys.executable}" -c "$0" --version {writer} <&- >&- 2>&-'
    subprocess.run(["sh", "-c", command, OPENED], pass_fds=[writer], check=False)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        assert int(told.read()) > 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_said_in_one_line():
    with Path("/dev/full").open("w") as full:
        done = edge(TABLES, full)
    assert done.returncode == 1
    assert done.stderr == b"edge-gate schema: No space left on device\n"


@pytest.mark.registry
def test_an_error_of_the_system_is_told_with_its_file_and_without_its_number(tmp_path, capsys):
    taken = tmp_path / "photographs" / "sample1.jpg"
    taken.mkdir(parents=True)
    assert main(["demo", "--out", str(tmp_path)]) == 1
    assert f"edge-gate demo: {taken}: Is a directory\n" in capsys.readouterr().err


def test_a_folder_that_was_deleted_under_the_user_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "gate.yaml").write_text("pair: pair\n")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["check", "../gate.yaml"]) == 1
    assert "the folder you are in is gone" in capsys.readouterr().err


def test_standard_output_is_utf_8_in_any_locale():
    done = edge(
        TABLES, subprocess.PIPE, LC_ALL="C", LANG="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "…" in done.stdout.decode("utf-8")


@pytest.mark.parametrize(
    ("words", "meant"), [(["chekc"], "check"), (["modles"], "models"), (["pair", "biuld"], "build")]
)
def test_a_mistyped_word_is_told_what_it_may_have_been(words, meant, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == EXIT_USAGE
    assert f"did you mean {meant}?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "usage", "told"),
    [
        (["tune", "--footage", "y"], "edge-gate tune", "unrecognized arguments: --footage\n"),
        (["tune", "--per-minutes=6"], "edge-gate tune", "--per-minutes=6; did you mean --per-min"),
        (["pair", "inspect", "x", "--off", "y"], "edge-gate pair inspect", "did you mean --of?"),
        (["pair", "inspect", "x", "y"], "edge-gate pair inspect", "unrecognized arguments: y\n"),
        (["--verbos"], "edge-gate", ""),
    ],
)
def test_an_unknown_option_is_told_with_the_usage_of_its_command(words, usage, told, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == EXIT_USAGE
    printed = capsys.readouterr().err
    assert printed.startswith(f"usage: {usage} [-h]")
    assert told in printed


def actions_of(parser):
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from actions_of(one)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_empty_text_as_of_an_unset_variable_is_taken_for_this_folder(command):
    assert Path not in {action.type for action in actions_of(parser_of(command))}


@pytest.mark.parametrize(
    "words", [["score", ""], ["purge", "--older-than", "1d", "--directory", ""]]
)
def test_an_empty_path_is_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == EXIT_USAGE
    assert "a path must not be empty; this folder is written ." in capsys.readouterr().err


def test_help_says_where_to_start_and_names_each_command_once(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert told.startswith("usage: edge-gate [-h] [--version] COMMAND ...")
    assert told.index("start here:") < told.index("run the gate:")
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(COMMANDS)
    assert all(told.count(f"\n  {name} ") == 1 for name in COMMANDS)


def test_what_a_process_does_is_imported_without_a_look_for_garbage_and_left_out_of_later_ones():
    looks = []

    def look(phase, _):
        looks.append(phase)

    gc.callbacks.append(look)
    before = gc.get_freeze_count()
    try:
        assert imported("edge.commands.schema").__name__ == "edge.commands.schema"
        assert not looks
    finally:
        gc.callbacks.remove(look)
    assert gc.isenabled()
    assert gc.get_freeze_count() > before


INTERRUPTED_WHILE_LOADED = """
import importlib, signal, sys
from edge.__main__ import main
load = importlib.import_module
def loaded(name):
    if name == "edge.commands.schema":
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("initialization failed") from None  # as ONNX Runtime does
    return load(name)
importlib.import_module = loaded
sys.argv[1:] = ["schema"]
sys.exit(main())
"""


def test_an_interrupt_while_libraries_are_loaded_is_heard_when_they_are():
    command = [sys.executable, "-c", INTERRUPTED_WHILE_LOADED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_a_caller_of_the_program_keeps_its_own_garbage(capsys):
    before = gc.get_freeze_count()
    assert main(["schema"]) == 0
    assert gc.get_freeze_count() <= before
    capsys.readouterr()
