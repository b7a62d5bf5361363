from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config_file import checked, read_config
from edge.config_keys import config_keys
from edge.errors import ConfigError
from edge.strict_yaml import Document, Place, parse_document
from tests.edge.configurations import SMALLEST, loaded

START = "/etc/edge-gate/gate.yaml"


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    return [line.removeprefix(START) for line in str(caught.value).splitlines()]


MISTAKES = {
    "unknown": ("treads: 2", ":5:1: treads: unknown key; did you mean threads?"),
    "hyphens": (
        "gate: {max-roll: 2}",
        ":5:8: gate.max-roll: unknown key; did you mean max_roll?",
    ),
    "in the wrong section": (
        "threshold: 50",
        ":5:1: threshold: unknown key here; did you mean gate.threshold?",
    ),
    "like no key": (
        "detector: {colour: red}",
        ":5:12: detector.colour: unknown key; known keys: name, model, smallest_face, threads",
    ),
    "too large": (
        "gate:\n  threshold: 101",
        ":6:14: gate.threshold: out of range, got 101, allowed a number from 0 to 100",
    ),
    "NaN": (
        "gate: {max_roll: .nan}",
        ":5:18: gate.max_roll: out of range, got nan, allowed a number from 0 to 180",
    ),
    "text for a number": (
        "gate: {threshold: '60'}",
        ":5:19: gate.threshold: wrong kind of value, got '60', allowed a number from 0 to 100",
    ),
    "boolean for a number": (
        "threads: true",
        ":5:10: threads: wrong kind of value, got true, allowed a whole number from 1 to 64",
    ),
    "fraction for a whole number": (
        "threads: 1.5",
        ":5:10: threads: wrong kind of value, got 1.5, allowed a whole number from 1 to 64",
    ),
    "text for a boolean": (
        "delivery: {include_embedding: yes}",
        ":5:31: delivery.include_embedding: wrong kind of value, got 'yes', allowed true or false",
    ),
    "unknown choice": (
        "detector: {name: mtcn}",
        ":5:18: detector.name: unknown value, got 'mtcn', allowed mtcnn, ultraface68, yunet",
    ),
    "text for a section": (
        "detector: mtcnn",
        (":5:11: detector: wrong kind of value, got text, "
         "allowed a section of the keys name, model, smallest_face, threads"),
    ),
    "section for a list": (
        "delivery:\n  sinks: {type: stdout}",
        ":6:3: delivery.sinks: wrong kind of value, got a section, allowed a list",
    ),
    "empty path": (
        "detector: {model: ''}",
        ":5:19: detector.model: a path must not be empty or hold a NUL character, got ''",
    ),
    "both thresholds": (
        "gate:\n  threshold: 50\n  shift_at_most: 0.3",
        ":5:1: gate: threshold and shift_at_most are both given; keep one of them",
    ),
    "no type": (
        "delivery:\n  sinks:\n    - {path: faces}",
        (":7:7: delivery.sinks[0].type: is missing; "
         "it takes a section whose type is directory, http, mqtt, stdout"),
    ),
    "unknown type": (
        "delivery: {sinks: [{type: ftp}]}",
        (":5:21: delivery.sinks[0].type: unknown value, got 'ftp', "
         "allowed a section whose type is directory, http, mqtt, stdout"),
    ),
    "missing in a union": (
        "delivery: {sinks: [{type: directory}]}",
        ":5:20: delivery.sinks[0].path: is missing; it takes a path",
    ),
    "unknown in a union": (
        "delivery: {sinks: [{type: stdout, nam: a}]}",
        ":5:35: delivery.sinks[0].nam: unknown key; did you mean name?",
    ),
    "out of range in a union": (
        "delivery: {sinks: [{type: mqtt, host: a, port: 0}]}",
        (":5:48: delivery.sinks[0].port: out of range, got 0, "
         "allowed a whole number from 1 to 65535"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "mistake"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_reported_with_place_key_value_and_what_is_allowed(text, mistake):
    assert mistakes(SMALLEST + text) == [mistake]


SOURCE_MISTAKES = {
    "scheme": (
        "{name: a, uri: 'rtsp://camera/1'}",
        (
            ":4:18: sources[0].uri: the scheme rtsp:// is not supported; use file:// or a path, "
            "got 'rtsp://camera/1'"
        ),
    ),
    "name": (
        "{name: front door, uri: a}",
        (
            ":4:10: sources[0].name: wrong characters, got 'front door', "
            "allowed up to 64 letters, digits, '-' and '_'"
        ),
    ),
    "two of a name": (
        "{name: a, uri: a}\n- {name: a, uri: b}",
        ":3:1: sources: two sources are named 'a'; give each its own name",
    ),
    "missing": (
        "name: a",
        ":4:3: sources[0].uri: is missing; it takes a path, or file:// and a path",
    ),
    "no section": (
        "door",
        (
            ":4:3: sources[0]: wrong kind of value, got text, "
            "allowed a section of the keys name, uri, gate"
        ),
    ),
    "own gate": (
        "{name: a, uri: a, gate: {threshold: -1}}",
        ":4:39: sources[0].gate.threshold: out of range, got -1, allowed a number from 0 to 100",
    ),
}


@pytest.mark.parametrize(("item", "mistake"), SOURCE_MISTAKES.values(), ids=SOURCE_MISTAKES.keys())
def test_a_mistake_in_a_list_names_the_item(item, mistake):
    assert mistakes(f"pair: p\nthreads: 1\nsources:\n- {item}\n") == [mistake]


def test_an_empty_list_of_sources_is_refused():
    assert mistakes("pair: p\nsources: []\n") == [
        ":2:1: sources: the list is empty; give at least one source"
    ]


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file():
    text = "treads: 1\nthreads: 0\nsources:\n- {name: a}\n"
    assert [mistake.split(": ")[1] for mistake in mistakes(text)] == [
        "pair",
        "treads",
        "threads",
        "sources[0].uri",
    ]


def test_a_mistake_in_merged_keys_is_reported_where_it_was_written():
    text = SMALLEST + "detector: &d\n  threads: 0\nsource: *d\n"
    assert ":6:12: detector.threads: out of range" in mistakes(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "sources: [{name: a, uri: 'rtsp://admin:hunter2@camera'}]",
        "sources: [{name: a, uri: 'rtsp://admin:hun/ter2@camera'}]",
        f"sources: [{{name: a, uri: 'rtsp://admin:hunter2{'x' * 99}@camera'}}]",
        "delivery: {sinks: [{type: http, url: 'ftp://admin:hunter2@host'}]}",
        "delivery: {sinks: [{type: mqtt, host: broker, password: hunter2}]}",
        "delivery: {sinks: [{type: http, url: 'https://host', token: hunter2}]}",
        "password: hunter2",
    ],
)
def test_no_message_holds_a_password(text):
    for mistake in mistakes(text):
        assert "hun" not in mistake


def test_a_long_value_is_cut():
    (mistake,) = mistakes(SMALLEST + f"detector: {{name: {'x' * 5000}}}")
    assert len(mistake) < 200


def test_a_configuration_is_read_from_a_file(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text(SMALLEST)
    assert read_config(path).config.pair == tmp_path / "pairs/default"


def test_the_folder_of_a_file_named_without_one_is_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("gate.yaml").write_text(SMALLEST)
    assert read_config(Path("gate.yaml")).config.pair == tmp_path / "pairs/default"


def written(name: str, value: str) -> str:
    """Return a document that gives one key a value, e.g. {sinks: [{type: http, url: VALUE}]}."""
    section, _, last = name.rpartition(".")
    if last.endswith("]"):
        last, _, tag = last.partition("[")
        value = f"[{value}]" if tag == "]" else f"[{{type: {tag[:-1]}, {value[1:]}]"
    text = f"{{{last}: {value}}}"
    return written(section, text) if section else text


@pytest.mark.parametrize(
    "name", [name for name in config_keys() if name and not name.endswith((".type", "]"))]
)
def test_any_value_of_any_key_is_accepted_or_reported_with_its_place(name):
    for value in ("-5.5", "[]", "[[]]", "{}", "{a: 1}", "true", "text", ".inf", '"\\0"'):
        document = parse_document(written(name, value), Path("gate.yaml"))
        with pytest.raises(ConfigError) as caught:  # some key is always missing
            checked(document)
        for line in str(caught.value).splitlines():
            place, key, what = line.split(": ", 2)
            assert place.startswith("gate.yaml:1:")
            assert key
            assert "Input" not in what  # pydantic's words


VALUES = st.recursive(
    st.booleans() | st.integers(-3, 120) | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(sorted({name.rpartition(".")[2] for name in config_keys()})), inner
        )
    ),
)
DOCUMENTS = st.dictionaries(
    st.sampled_from([*config_keys()[""].children, "nonsense"]), VALUES, min_size=1
)


@given(DOCUMENTS)
def test_any_document_is_a_configuration_or_a_configuration_error(values):
    document = Document(Path("gate.yaml"), values, {}, {(): Place(1, 1)})
    try:
        checked(document)
    except ConfigError as error:
        assert str(error).startswith("gate.yaml:1:1: ")  # noqa: PT017 - both outcomes are facts
