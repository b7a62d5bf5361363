import io
import json
import logging
import sys

import pytest

from edge.service.logs import JsonLines, Readable, start_logging


def event(level=logging.INFO, message="camera %s is back", *args, fields=None, failure=None):
    record = logging.LogRecord("edge.test", level, __file__, 1, message, args or ("door",), failure)
    if fields is not None:
        record.fields = fields
    return record


def failure():
    try:
        int("many")
    except ValueError:
        return sys.exc_info()


def test_a_json_line_has_the_words_and_the_fields_apart():
    line = json.loads(JsonLines(with_priority=False).format(event(fields={"camera": "door"})))
    assert (line["message"], line["camera"], line["level"]) == (
        "camera door is back",
        "door",
        "info",
    )


@pytest.mark.parametrize(
    ("level", "start"),
    [
        (logging.DEBUG, "<7>{"),
        (logging.INFO, "<6>{"),
        (logging.WARNING, "<4>{"),
        (logging.ERROR, "<3>{"),
    ],
)
def test_the_journal_learns_the_priority_of_a_line(level, start):
    assert JsonLines(with_priority=True).format(event(level)).startswith(start)


def test_a_traceback_stays_within_one_json_line():
    text = JsonLines(with_priority=True).format(event(failure=failure()))
    assert "\n" not in text
    assert "invalid literal for int" in json.loads(text[3:])["traceback"]


def test_fields_cannot_replace_the_words():
    line = json.loads(JsonLines(with_priority=False).format(event(fields={"message": "another"})))
    assert line["message"] == "camera door is back"


def test_a_terminal_shows_level_only_when_it_matters():
    assert Readable().format(event(fields={"frames": 3})).endswith(" camera door is back  frames=3")
    assert " warning: camera" in Readable().format(event(logging.WARNING))


def test_a_field_that_is_nothing_is_not_told():
    fields = {"source": "door", "picture": None}
    assert "picture" not in Readable().format(event(fields=fields))
    assert "picture" not in JsonLines(with_priority=False).format(event(fields=fields))


def test_a_terminal_is_not_told_twice():
    fields = {"source": "door", "score": 71.3, "openings": 7}
    line = Readable().format(event(message="%s: face of score 71.3", fields=fields))
    assert line.endswith(" door: face of score 71.3  openings=7")


@pytest.mark.parametrize(
    ("journal", "start"), [("8:1234", '<6>{"'), (None, '{"')], ids=["systemd", "pipe"]
)
def test_a_stream_that_is_no_terminal_gets_json(monkeypatch, journal, start):
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    if journal:
        monkeypatch.setenv("JOURNAL_STREAM", journal)
    stream = io.StringIO()
    start_logging(stream=stream)
    logging.getLogger("edge.test").info("ready")
    assert stream.getvalue().startswith(start)


def test_no_word_of_a_server_passes_for_a_line_of_ours_nor_moves_the_cursor():
    said = "answered: no\n12:00:00 all is well\x1b[1A\x1b[2K"
    shown = Readable().format(event(logging.WARNING, "%s", said, fields={"sink": "a\rb"}))
    first, second = shown.split("\n")
    assert first.endswith(" warning: answered: no")
    assert second == r"    12:00:00 all is well\x1b[1A\x1b[2K  sink=a\rb"
