import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.config.reader import (
    DEEPEST_NESTING,
    LARGEST_FILE,
    MOST_VALUES,
    Place,
    parse_document,
    read_document,
)
from edge.errors import ConfigError

FILE = Path("gate.yaml")


def value_of(scalar: str) -> object:
    return parse_document(f"key: {scalar}\n", FILE).values["key"]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("+.5", 0.5),
        ("5.", 5.0),
        ("-17", -17),
        ("0", 0),
        ("0.40", 0.4),
        ("0x1F", 31),
        ("0o17", 15),
        ("-.inf", -math.inf),
        ("true", True),
        ("FALSE", False),
    ],
)
def test_numbers_and_booleans_are_those_of_the_core_schema(scalar, value):
    read = value_of(scalar)
    assert (type(read), read) == (type(value), value)


def test_nan_is_read_as_a_float_so_that_a_range_can_refuse_it():
    read = value_of(".nan")
    assert isinstance(read, float)
    assert math.isnan(read)


@pytest.mark.parametrize(
    "scalar",
    ["on", "off", "yes", "no", "y", "12:30:00", "1_000", "2024-01-01", "0b1", "<", "1e", "tRUE"],
)
def test_what_yaml_1_1_would_convert_stays_text(scalar):
    assert value_of(scalar) == scalar


@pytest.mark.parametrize("text", ["1", "true", "null", "1e-3", "012", ""])
def test_quoted_scalars_are_text(text):
    assert value_of(f"'{text}'") == text
    assert value_of(f'"{text}"') == text


REFUSED = {
    "leading zero": ("key: 012", "gate.yaml:1:6: key: 012 starts with a zero"),
    "leading zero of a fraction": ("key: -00.5", "gate.yaml:1:6: key: -00.5 starts with a zero"),
    "long number": ("key: " + "1" * 5000, "gate.yaml:1:6: key: a number of more than"),
    "no value": ("a:\n  key:\n", "gate.yaml:2:7: a.key: has no value"),
    "null": ("key: null", "gate.yaml:1:6: key: has no value"),
    "duplicate": (
        "a:\n  b: 1\n  b: 2\n",
        "gate.yaml:3:3: a.b: duplicate key, first given on line 2",
    ),
    "duplicate in other quotes": ("b: 1\n'b': 2\n", "gate.yaml:2:1: b: duplicate key"),
    "duplicate merge": ("a: &a {}\nb: {<<: *a, <<: *a}", "gate.yaml:2:13: b.<<: duplicate key"),
    "number as key": ("1: 2", "gate.yaml:1:1: the key '1' is not text"),
    "null as key": ("~: 2", "gate.yaml:1:1: the key '~' is not text"),
    "list as key": ("a:\n  ? [b]\n  : 2", "gate.yaml:2:5: a: a key must be text"),
    "tag": ("key: !!python/name:os.system x", "gate.yaml:1:6: tags (!) are not used"),
    "harmless tag": ("key: !!str 1", "gate.yaml:1:6: tags (!) are not used"),
    "second document": ("a: 1\n---\nb: 1\n", "gate.yaml:2:1: a second document starts"),
    "list at the top": ("- a\n", "gate.yaml:1:1: the file must hold"),
    "text at the top": ("threshold\n", "gate.yaml:1:1: the file must hold"),
    "empty": ("", "gate.yaml:1:1: is empty"),
    "comments only": ("# threshold: 3\n", "gate.yaml:1:1: is empty"),
    "cut short": ("a: [1,\n", "gate.yaml:2:1: not YAML: expected the node content"),
    "tabulator": ("a:\n\tb: 1\n", "gate.yaml:2:1: not YAML: found character '\\t'"),
    "unknown alias": ("a: *b", "gate.yaml:1:4: not YAML: found undefined alias"),
    "alias in its anchor": ("a: &a [*a]", "gate.yaml:1:4: a[0]: an alias (*) lies inside"),
    "merge in its anchor": ("a: &a {<<: *a}", "gate.yaml:1:4: a: an alias (*) lies inside"),
    "merge of text": ("a: {<<: b}", "gate.yaml:1:9: a: merge (<<) takes mappings only"),
    "NUL": ("a: b\nc: \0", "gate.yaml:2:4: character U+0000"),
    "half a character": ('a: "\\uD800"', "gate.yaml:1:4: a: a quoted text holds half"),
    "no such character": ('a: "\\UFFFFFFFF"', "gate.yaml:1:7: not YAML"),
    "version": ("%YAML " + "9" * 5000 + ".1\n---\na: 1\n", "gate.yaml:1:"),
}


@pytest.mark.parametrize(("text", "start"), REFUSED.values(), ids=REFUSED.keys())
def test_is_refused_with_its_place(text, start):
    with pytest.raises(ConfigError) as caught:
        parse_document(text, FILE)
    assert str(caught.value).startswith(start)


def chain(link: str) -> str:
    return "a0: &a0 {k: 1}\n" + "".join(
        f"a{i}: &a{i} {link.format(f'*a{i - 1}')}\n" for i in range(1, 500)
    )


def bomb(link: str) -> str:
    return "a0: &a0 {k: 1}\n" + "".join(
        f"a{i}: &a{i} {link.format(','.join([f'*a{i - 1}'] * 10))}\n" for i in range(1, 12)
    )


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("a: " + "[" * 2000, f"nested more than {DEEPEST_NESTING} levels"),
        ("a: " + "{a: " * 2000, f"nested more than {DEEPEST_NESTING} levels"),
        (chain("[{}]"), f"nested more than {DEEPEST_NESTING} levels"),
        (chain("{{<<: {}}}"), f"nested more than {DEEPEST_NESTING} levels"),
        (bomb("[{}]"), f"more than {MOST_VALUES} values"),
        (bomb("{{<<: [{}]}}"), f"more than {MOST_VALUES} values"),
        ("a: [" + "1," * (MOST_VALUES + 1) + "]", f"more than {MOST_VALUES} values"),
    ],
    ids=["lists", "mappings", "aliases", "merges", "alias bomb", "merge bomb", "long list"],
)
def test_a_document_that_would_exhaust_the_reader_is_refused(text, limit):
    with pytest.raises(ConfigError, match=limit):
        parse_document(text, FILE)


def test_places_are_kept_for_keys_values_and_list_items():
    document = parse_document("gate:\n  threshold: 50\nsources:\n  - name: door\n", FILE)
    assert document.key_places == {
        ("gate",): Place(1, 1),
        ("gate", "threshold"): Place(2, 3),
        ("sources",): Place(3, 1),
        ("sources", 0, "name"): Place(4, 5),
    }
    assert document.value_places == {
        (): Place(1, 1),
        ("gate",): Place(2, 3),
        ("gate", "threshold"): Place(2, 14),
        ("sources",): Place(4, 3),
        ("sources", 0): Place(4, 5),
        ("sources", 0, "name"): Place(4, 11),
    }


def test_own_keys_override_merged_ones_and_merged_ones_keep_their_place():
    document = parse_document("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n", FILE)
    assert document.values["b"] == {"x": 1, "y": 3}
    assert document.value_places["b", "x"] == Place(1, 11)
    assert document.value_places["b", "y"] == Place(4, 6)


def test_the_first_of_several_merged_mappings_wins():
    document = parse_document("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}\n", FILE)
    assert document.values["c"] == {"x": 1, "y": 2}


def test_an_alias_repeats_a_value_with_the_place_of_its_anchor():
    document = parse_document("a: &a {x: 1}\nb: *a\n", FILE)
    assert document.values["b"] == {"x": 1}
    assert document.value_places["b", "x"] == Place(1, 11)


def test_a_byte_order_mark_is_skipped(tmp_path):
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_document(path).values == {"a": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: \xff\n", ":2:4: is not UTF-8 (byte 0xff)"),
        (b"\xef\xbb\xbfa: 1\nb: \xff\n", ":2:4: is not UTF-8 (byte 0xff)"),
        ("a: 1\n".encode("utf-16"), ":1:1: is not UTF-8 (byte 0xff)"),
        (b"#" * (LARGEST_FILE + 1), f":1:1: is larger than {LARGEST_FILE} bytes"),
    ],
    ids=["Latin-1", "after a byte order mark", "UTF-16", "huge"],
)
def test_a_file_that_is_not_text_is_refused_with_its_place(tmp_path, content, message):
    path = tmp_path / "gate.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_document(path)
    assert str(caught.value).startswith(f"{path}{message}")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent.yaml", "No such file"),
        (".", "Is a directory"),
        ("file.txt/gate.yaml", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("a\0b", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_opened_is_named_with_the_reason(tmp_path, name, reason):
    (tmp_path / "file.txt").touch()
    with pytest.raises(ConfigError, match=reason) as caught:
        read_document(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}:1:1: cannot be read")


YAML_CHARACTERS = st.sampled_from(
    [*"ab01 \n\t:-,?[]{}&*!|>'\"%@#\\<~.", "\n  ", "\n- ", ": ", "&a ", "*a", "<<: ", "0x", "\\U"]
)


@given(st.text() | st.lists(YAML_CHARACTERS, max_size=60).map("".join))
@example("a: &a\n? *a\n: b")
def test_any_text_is_a_document_or_a_configuration_error(text):
    try:
        document = parse_document(text, FILE)
    except ConfigError as error:
        assert str(error).startswith("gate.yaml:")  # noqa: PT017 - both outcomes are facts
    else:
        assert set(document.key_places) <= set(document.value_places)
