import io
import os
import re
import threading

import pytest
from rich.box import SQUARE
from rich.console import Console
from rich.table import Table

from edge.console import Screen, progress
from edge.delivery.face_output import faces_table
from edge.delivery.record import ComponentRecord, face_record
from tests.edge.assessments import Given, assessment


@pytest.fixture(autouse=True)
def _any_terminal(monkeypatch):
    """What the environment says is about the terminal that tests are started from."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)


def shown(printed, width=100):
    file = io.StringIO()
    Console(file=file, width=width).print(printed)
    return file.getvalue()


def test_brackets_in_a_file_name_are_no_markup():
    record = face_record(assessment(Given())).model_copy(update={"source": "a/[bold]x[red].jpg"})
    assert "[bold]x[red].jpg" in shown(faces_table([record]))


def test_a_progress_bar_shows_brackets_as_they_are():
    bars = progress(Console(file=io.StringIO(), width=100))
    bars.add_task("[/b] holiday.mp4", total=1)
    assert "[/b] holiday.mp4" in shown(bars.get_renderable())


def test_where_there_is_no_terminal_no_thread_draws_progress_and_its_end_is_written_once():
    file, threads = io.StringIO(), set(threading.enumerate())
    with progress(Console(file=file, width=100)) as bars:
        bars.add_task("holiday.mp4", total=1, completed=1)
        assert set(threading.enumerate()) <= threads  # one of another test may end
    assert file.getvalue().count("holiday.mp4") == 1


def test_a_terminal_shows_progress_while_it_goes_on():
    file = io.StringIO()
    with progress(Console(file=file, width=100, force_terminal=True)) as bars:
        bars.add_task("holiday.mp4", total=1)
        bars.refresh()
        assert "holiday.mp4" in file.getvalue()


def test_bytes_of_a_name_that_are_no_utf_8_are_shown_as_such():
    record = face_record(assessment(Given(source=os.fsdecode(b"d/caf\xe9.jpg"))))
    assert r"caf\xe9.jpg #0" in shown(faces_table([record]))


def test_a_name_that_would_clear_the_screen_is_shown_as_a_name():
    record = face_record(assessment(Given())).model_copy(update={"source": "a/\x1b[2J.jpg"})
    file = io.StringIO()
    screen = Screen(file=file, width=100, force_terminal=True, highlight=False)
    screen.print("done: \x1b[2J", style="red")
    screen.print(faces_table([record]))
    with progress(screen) as bars:
        bars.add_task("\x1b[2J", total=1)
    assert "\x1b[2J" not in file.getvalue()
    assert file.getvalue().startswith("\x1b[31mdone: \\x1b[2J")
    assert "\x1b[?25l" in file.getvalue()  # the bar's own: hide the cursor


def test_a_name_that_is_spelled_out_takes_its_room_in_a_table():
    file = io.StringIO()
    table = Table("name", "", box=SQUARE)
    for name in ("a\x1b[2J", "plain"):
        table.add_row(name, "b")
    Screen(file=file, width=100, highlight=False).print(table)
    lines = file.getvalue().splitlines()
    assert {len(line) for line in lines} == {len(lines[0])}
    assert r"│ a\x1b[2J │ b │" in lines


def test_the_place_of_a_face_that_is_spelled_out_takes_its_room_in_a_table():
    record = face_record(assessment(Given())).model_copy(update={"source": "a/\x1b\x1b.jpg"})
    file = io.StringIO()
    Screen(file=file, width=100, highlight=False).print(faces_table([record]))
    lines = file.getvalue().splitlines()
    assert {len(line) for line in lines} == {len(lines[0])}
    assert any(r"│ \x1b\x1b.jpg #0 │" in line for line in lines)


def test_a_step_that_is_spelled_out_leaves_the_bar_its_room():
    file = io.StringIO()
    with progress(Screen(file=file, width=60)) as bars:
        bars.add_task("\x1b" * 5, total=1, completed=1)
    assert {len(line) for line in file.getvalue().splitlines()} <= set(range(61))
    assert r"\x1b" * 5 in file.getvalue()


def test_weak_components_break_between_words_in_a_narrow_terminal():
    weak = {"illumination_uniformity": ComponentRecord(value=0.1, quality=12)}
    record = face_record(assessment(Given(source="hall.jpg"))).model_copy(
        update={"components": weak}
    )
    words = re.findall(r"[a-z]+", shown(faces_table([record]), width=80))
    assert {"illumination", "uniformity"} <= set(words)
