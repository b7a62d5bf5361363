"""Lists are changed in the file's own text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.edits.lists import with_list
from edge.config.reader import parse_document
from edge.errors import ConfigError

PATH = Path("gate.yaml")
TEXT = """\
pair: p   # the pair
sources:
  - name: door   # the door
    masks:   # where the screens are
      # the till
      - "0,0 0.3,0 0.3,1"   # keep
      - 0.5,0.5 0.6,0.5 0.6,0.6
      # the window
      - 0.7,0.5 0.8,0.5 0.8,0.6

    # of the camera
    uri: "rtsp://camera/door"
  - {name: yard, uri: "rtsp://camera/yard"}
  - name: hall
    uri: "rtsp://camera/hall"
    schedule: [{start: "08:00", end: "18:00"}]  # by day
    # the end of the hall

sinks: [{type: stdout}]
"""
TILL, MIDDLE, WINDOW = "0,0 0.3,0 0.3,1", "0.5,0.5 0.6,0.5 0.6,0.6", "0.7,0.5 0.8,0.5 0.8,0.6"
NEW = "0.1,0.1 0.2,0.1 0.2,0.2"
MASKS = ("sources", 0, "masks")


def test_items_that_stay_keep_their_lines_and_comments():
    changed = with_list(TEXT, PATH, MASKS, [WINDOW, NEW, TILL])
    assert changed == TEXT.replace(
        '      # the till\n      - "0,0 0.3,0 0.3,1"   # keep\n      - 0.5,0.5 0.6,0.5 0.6,0.6\n'
        "      # the window\n      - 0.7,0.5 0.8,0.5 0.8,0.6\n",
        "      # the window\n      - 0.7,0.5 0.8,0.5 0.8,0.6\n"
        f'      - "{NEW}"\n      # the till\n      - "0,0 0.3,0 0.3,1"   # keep\n',
    )


def test_the_same_list_changes_nothing():
    assert with_list(TEXT, PATH, MASKS, [TILL, MIDDLE, WINDOW]) == TEXT


def test_a_list_becomes_empty_and_the_comments_around_it_stay():
    changed = with_list(TEXT, PATH, MASKS, [])
    assert "    masks: []   # where the screens are\n\n    # of the camera\n" in changed


@pytest.mark.parametrize(
    ("index", "after", "before"),
    [
        (1, '  - {masks: ["%s"], name: yard, uri', "  - {name: yard, uri"),
        (2, '# by day\n    masks:\n      - "%s"\n    # the end', "# by day\n    # the end"),
    ],
)
def test_a_list_that_was_not_there_is_added_in_the_style_of_its_source(index, after, before):
    changed = with_list(TEXT, PATH, ("sources", index, "masks"), [NEW])
    assert changed == TEXT.replace(before, after % NEW)
    assert with_list(TEXT, PATH, ("sources", index, "masks"), []) == TEXT


def test_a_list_on_one_line_stays_on_one_line():
    hours = [{"days": ["sat", "sun"], "start": "10:00", "end": "24:00"}]
    changed = with_list(TEXT, PATH, ("sources", 2, "schedule"), hours)
    assert "    schedule: [{days: [sat, sun], start: '10:00', end: '24:00'}]  # by day\n" in changed


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_line_ends_and_a_byte_order_mark_stay(end):
    text = "\ufeff" + TEXT.replace("\n", end)
    changed = with_list(text, PATH, MASKS, [NEW])
    assert changed.startswith("\ufeff")
    assert changed.count("\n") == changed.count(end)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("    masks:   #", "    masks: &all   #") + "",
        TEXT.replace("{name: yard,", "{name: yard, masks: *all,").replace(
            "masks:   #", "masks: &all #"
        ),
    ],
)
def test_a_list_that_an_anchor_shares_is_left_to_a_person(text):
    with pytest.raises(ConfigError, match="anchor"):
        with_list(text, PATH, MASKS, [NEW])


def test_what_is_not_allowed_there_is_refused():
    with pytest.raises(ConfigError, match=r"masks\[0\].*three or more points"):
        with_list(TEXT, PATH, MASKS, ["0,0 1,1"])


POINTS = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(
    lambda p: f"{p[0] / 100},{p[1] / 100}"
)
POLYGONS = st.lists(POINTS, min_size=3, max_size=5).map(" ".join)
KNOWN = st.sampled_from([TILL, MIDDLE, WINDOW])


@given(st.lists(KNOWN | POLYGONS, max_size=6))
def test_whatever_is_written_is_read_again_and_everything_else_stays(masks):
    before = parse_document(TEXT, PATH).values
    after = parse_document(with_list(TEXT, PATH, MASKS, masks), PATH).values
    assert after["sources"][0].pop("masks") == masks
    before["sources"][0].pop("masks")
    assert after == before
