from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.edit import read_text, replace_text, with_threshold
from edge.config.reader import parse_document
from edge.errors import ConfigError

HERE = Path("gate.yaml")
GLOBAL = ("gate",)
THRESHOLD = st.one_of(st.integers(0, 100), st.floats(0, 100))
GATES = {
    "none": "",
    "block": "gate:   # by ear\n  max_roll: 20\n  threshold: 30        # quality score\n",
    "block without": "gate:\n  # the head\n  max_roll: 20   # degrees\n",
    "flow": "gate: {max_roll: 20, threshold: 3e1}  # short\n",
    "flow without": "gate: { max_roll: 20 }  # short\n",
    "empty flow": "gate: {}\n",
}
SOURCES = {
    "block": "- name: door   # front\n    uri: a.mp4\n",
    "block with": "- name: door\n    gate:\n      threshold: 40 # a clip\n    uri: a.mp4\n",
    "flow": "- {name: door, uri: a.mp4}\n",
    "flow with": "- {name: door, gate: {threshold: 40}, uri: a.mp4} # one line\n",
}


@st.composite
def configurations(draw):
    gate = draw(st.sampled_from(list(GATES.values())))
    sources = "  ".join(
        draw(st.sampled_from(list(SOURCES.values()))).replace("door", name) + between
        for name, between in zip(
            ("door", "yard"),
            draw(st.lists(st.sampled_from(["", "\n", "  # next\n"]), min_size=2, max_size=2)),
            strict=True,
        )
    )
    last = draw(st.sampled_from(["", "\n# the end", "\n\n# the end\n"]))
    text = f"# mine\npair: p  # é\nsources:\n  {sources}{gate}sinks: [{{type: stdout}}]{last}"
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def values(text):
    return parse_document(text.removeprefix("\ufeff"), HERE).values


def comments(text):
    return [line.partition("#")[2] for line in text.splitlines() if "#" in line]


@given(configurations(), THRESHOLD, st.sampled_from([None, 0, 1]), st.sampled_from(["", "\ufeff"]))
def test_only_the_one_value_changes_and_every_comment_survives(text, threshold, source, mark):
    section = GLOBAL if source is None else ("sources", source, "gate")
    changed = with_threshold(mark + text, HERE, section, threshold)
    expected = values(text)
    around = expected if source is None else expected["sources"][source]
    around.setdefault("gate", {})["threshold"] = threshold
    assert values(changed) == expected
    assert comments(changed) == comments(text)
    assert changed.startswith(mark)
    if "\r\n" in text:
        assert "\n" not in changed.replace("\r\n", "")


@given(configurations(), THRESHOLD, THRESHOLD)
def test_a_second_change_leaves_no_trace_of_the_first(text, first, second):
    once = with_threshold(text, HERE, GLOBAL, second)
    twice = with_threshold(with_threshold(text, HERE, GLOBAL, first), HERE, GLOBAL, second)
    assert once == twice


def test_only_the_characters_of_the_number_change():
    before = Path("configs/demo.yaml").read_text()
    after = with_threshold(before, HERE, ("sources", 1, "gate"), 41.5)
    assert after == before.replace("threshold: 40 ", "threshold: 41.5 ")


def test_a_new_section_stands_at_the_end_of_its_source():
    text = dedent("""\
        pair: p
        sources:
          - name: door   # front
            uri: a.mp4

          # the yard
          - name: yard
            uri: b.mp4
        sinks: [{type: stdout}]
        """)
    after = with_threshold(text, HERE, ("sources", 0, "gate"), 50)
    assert after == text.replace("a.mp4\n", "a.mp4\n    gate:\n      threshold: 50\n")


REST = "sources: [{name: door, uri: a}]\nsinks: [{type: stdout}]\n"


@pytest.mark.parametrize(
    ("text", "section", "message"),
    [
        (
            f"gate: &g {{threshold: 30}}\n{REST.replace('a}', 'a, gate: *g}')}",
            GLOBAL,
            r"gate.yaml:2:22: gate.threshold: is shared with sources\[0\].gate.threshold by",
        ),
        (
            f"gate: &g {{threshold: 30}}\n{REST.replace('a}', 'a, gate: {<<: *g}}')}",
            ("sources", 0, "gate"),
            r"sources\[0\].gate.threshold: is shared with gate.threshold by an anchor",
        ),
        (f"gate: {{threshold: &t 30}}\n{REST}", GLOBAL, r"gate.threshold: has an anchor"),
        (f"gate: &g\n  max_roll: 20\n{REST}", GLOBAL, "gate: has an anchor"),
        (f"gate: {{shift_at_most: 0.3}}\n{REST}", GLOBAL, "shift_at_most: decides here"),
        (f"gate: {{threshold: 300}}\n{REST}", GLOBAL, "out of range"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused_with_its_place(text, section, message):
    with pytest.raises(ConfigError, match=message):
        with_threshold(f"pair: p\n{text}", HERE, section, 50)


def test_a_threshold_out_of_range_is_refused():
    with pytest.raises(ConfigError, match=r"gate.threshold: out of range"):
        with_threshold(f"pair: p\n{REST}", HERE, GLOBAL, 101)


def test_a_file_is_replaced_with_its_permissions_and_through_a_link(tmp_path):
    path, link = tmp_path / "gate.yaml", tmp_path / "link.yaml"
    path.write_bytes(b"a: 1\r\n")
    path.chmod(0o640)
    link.symlink_to(path.name)
    replace_text(link, read_text(link), "a: 2\r\n")
    assert path.read_bytes() == b"a: 2\r\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [path, link]


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text("a: 2\n")
    with pytest.raises(ConfigError, match="changed by someone else"):
        replace_text(path, "a: 1\n", "a: 3\n")
    assert path.read_text() == "a: 2\n"
