import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.file import checked, read_config
from edge.config.keys import config_keys
from edge.config.reader import Document, Place, parse_document
from edge.errors import ConfigError
from tests.edge.configurations import SMALLEST, loaded

START = "/etc/edge-gate/gate.yaml"


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    return [line.removeprefix(START) for line in str(caught.value).splitlines()]


MISTAKES = {
    "unknown": ("treads: 2", ":8:1: treads: unknown key; did you mean threads?"),
    "hyphens": (
        "gate: {max-roll: 2}",
        ":8:8: gate.max-roll: unknown key; did you mean max_roll?",
    ),
    "in the wrong section": (
        "threshold: 50",
        ":8:1: threshold: unknown key here; did you mean gate.threshold?",
    ),
    "like no key": (
        "detector: {colour: red}",
        (
            ":8:12: detector.colour: unknown key; "
            "known keys: name, model, smallest_face, threads, backend"
        ),
    ),
    "too large": (
        "gate:\n  threshold: 101",
        ":9:14: gate.threshold: out of range, got 101, allowed a number from 0 to 100",
    ),
    "NaN": (
        "gate: {max_roll: .nan}",
        ":8:18: gate.max_roll: out of range, got nan, allowed a number from 0 to 180",
    ),
    "text for a number": (
        "gate: {threshold: '60'}",
        ":8:19: gate.threshold: wrong kind of value, got '60', allowed a number from 0 to 100",
    ),
    "boolean for a number": (
        "threads: true",
        ":8:10: threads: wrong kind of value, got true, allowed a whole number from 1 to 64",
    ),
    "fraction for a whole number": (
        "threads: 1.5",
        ":8:10: threads: wrong kind of value, got 1.5, allowed a whole number from 1 to 64",
    ),
    "text for a boolean": (
        "delivery: {include_embedding: yes}",
        ":8:31: delivery.include_embedding: wrong kind of value, got 'yes', allowed true or false",
    ),
    "unknown choice": (
        "detector: {name: mtcn}",
        ":8:18: detector.name: unknown value, got 'mtcn', allowed mtcnn, ultraface68, yunet",
    ),
    "text for a section": (
        "detector: mtcnn",
        (":8:11: detector: wrong kind of value, got text, "
         "allowed a section of the keys name, model, smallest_face, threads, backend"),
    ),
    "list for a section": (
        "delivery:\n  outbox: []",
        (
            ":9:3: delivery.outbox: wrong kind of value, got a list, "
            "allowed a section of the keys path, quota, ttl, durability, memory"
        ),
    ),
    "empty path": (
        "detector: {model: ''}",
        ":8:19: detector.model: a path must not be empty or hold a NUL character, got ''",
    ),
    "both thresholds": (
        "gate:\n  threshold: 50\n  shift_at_most: 0.3",
        ":8:1: gate: threshold and shift_at_most are both given; keep one of them",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "mistake"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_reported_with_place_key_value_and_what_is_allowed(text, mistake):
    assert mistakes(SMALLEST + text) == [mistake]


SOURCES = {
    "scheme": (
        "{name: a, uri: 'ftp://camera/1'}",
        (
            ":1:26: sources[0].uri: the scheme ftp:// is not supported; use csi://, file://, "
            "http://, https://, rtsp://, rtsps://, v4l2:// or a path, got 'ftp://camera/1'"
        ),
    ),
    "name": (
        "{name: front door, uri: a}",
        (
            ":1:18: sources[0].name: wrong characters, got 'front door', "
            "allowed up to 64 letters, digits, '-' and '_'"
        ),
    ),
    "two of a name": (
        "{name: a, uri: a}, {name: a, uri: b}",
        ":1:1: sources: two are named 'a'; give each its own name",
    ),
    "missing": (
        "{name: a}",
        (
            ":1:11: sources[0].uri: is missing; it takes a path, or file://, v4l2://, csi://, "
            "rtsp(s):// or http(s):// and where"
        ),
    ),
    "no section": (
        "door",
        (
            ":1:11: sources[0]: wrong kind of value, got text, "
            f"allowed a section of the keys {', '.join(config_keys()['sources[]'].children)}"
        ),
    ),
    "own gate": (
        "{name: a, uri: a, gate: {threshold: -1}}",
        ":1:47: sources[0].gate.threshold: out of range, got -1, allowed a number from 0 to 100",
    ),
}


SINKS = {
    "no type": (
        "{path: faces}",
        (
            ":1:9: sinks[0].type: is missing; "
            "it takes a section whose type is directory, http, mqtt, stdout"
        ),
    ),
    "unknown type": (
        "{type: ftp}",
        (
            ":1:10: sinks[0].type: unknown value, got 'ftp', "
            "allowed a section whose type is directory, http, mqtt, stdout"
        ),
    ),
    "missing": (
        "{type: directory}",
        ":1:9: sinks[0].path: is missing; it takes a path",
    ),
    "unknown": (
        "{type: stdout, nam: a}",
        ":1:24: sinks[0].nam: unknown key; did you mean name?",
    ),
    "known of another": (
        "{type: stdout, url: a}",
        ":1:24: sinks[0].url: unknown key here; did you mean sinks[http].url?",
    ),
    "out of range": (
        "{type: mqtt, host: a, port: 0}",
        (":1:37: sinks[0].port: out of range, got 0, allowed a whole number from 1 to 65535"),
    ),
    "out of range with a unit": (
        "{type: mqtt, host: a, keepalive: 1s}",
        (
            ":1:42: sinks[0].keepalive: should be greater than or equal to 5, got '1s', "
            "allowed seconds, or with a unit as in 90s, 7d"
        ),
    ),
    "empty": (
        "{type: mqtt, host: ''}",
        ":1:28: sinks[0].host: wrong length, got '', allowed text",
    ),
    "contradiction": (
        "{type: http, url: 'http://a'}",
        ":1:9: sinks[0]: url is not encrypted: use https:// or set allow_plaintext: true",
    ),
    "two of a name": (
        "{type: stdout}, {type: stdout}",
        ":1:1: sinks: two are named 'stdout'; give each its own name",
    ),
}


@pytest.mark.parametrize(("items", "mistake"), SOURCES.values(), ids=SOURCES.keys())
def test_a_mistake_in_a_source_names_its_position(items, mistake):
    text = f"sources: [{items}]\npair: a\nsinks: [{{type: directory, path: a}}]\n"
    assert mistakes(text) == [mistake]


@pytest.mark.parametrize(("items", "mistake"), SINKS.values(), ids=SINKS.keys())
def test_a_mistake_in_a_sink_is_judged_by_its_type(items, mistake):
    text = f"sinks: [{items}]\npair: a\nsources: [{{name: a, uri: a}}]\n"
    assert mistakes(text) == [mistake]


def test_empty_lists_are_refused():
    assert mistakes("pair: p\nsources: []\nsinks: []") == [
        ":2:1: sources: the list is empty; give at least one",
        ":3:1: sinks: the list is empty; give at least one",
    ]


def test_a_home_that_no_service_has_makes_no_folder_of_that_name():
    (mistake,) = mistakes(SMALLEST.replace("path: faces", "path: ~/faces"))
    assert "sinks[0].path: ~ stands for no folder here" in mistake
    loaded(SMALLEST.replace("path: faces", "path: ./~"))


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file():
    text = "treads: 1\nthreads: 0\nsources:\n- {name: a}\nsinks: []\n"
    assert [mistake.split(": ")[1] for mistake in mistakes(text)] == [
        "pair",
        "treads",
        "threads",
        "sources[0].uri",
        "sinks",
    ]


def test_a_mistake_in_merged_keys_is_reported_where_it_was_written():
    text = SMALLEST + "detector: &d\n  threads: 0\nsource: *d\n"
    assert ":9:12: detector.threads: out of range" in mistakes(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "sources: [{name: a, uri: 'rtsp://admin:hunter2@camera'}]",
        "sources: [{name: a, uri: 'rtsp://admin:hun/ter2@camera'}]",
        f"sources: [{{name: a, uri: 'rtsp://admin:hunter2{'x' * 99}@camera'}}]",
        "sinks: [{type: http, url: 'ftp://admin:hunter2@host'}]",
        "sinks: [{type: mqtt, host: broker, password: hunter2}]",
        "sinks: [{type: http, url: 'https://host', token: hunter2}]",
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


EXAMPLE = (Path(__file__).resolve().parents[3] / "configs" / "gate.example.yaml").read_text(
    encoding="utf-8"
)
PIECES = st.sampled_from(
    [*" #-:,[]{}&*!|>'\"%\n\t\0", "\n  ", "*a", "&a ", "<<: *a", "1e999", "\ud800"]
)


@given(st.data())
def test_a_damaged_example_is_a_configuration_or_a_configuration_error(data):
    text = EXAMPLE.replace("# ", "") if data.draw(st.booleans()) else EXAMPLE
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        text = text[:start] + data.draw(PIECES) + text[start + data.draw(st.integers(0, 20)) :]
    try:
        checked(parse_document(text, Path("gate.yaml")))
    except ConfigError as error:
        assert str(error).startswith("gate.yaml:")  # noqa: PT017 - both outcomes are facts


@pytest.mark.parametrize(
    ("written", "meant"), [("cameras", "sources"), ("outputs", "sinks"), ("network", "pair")]
)
def test_a_word_of_other_programs_is_told_ours_in_one_line(written, meant):
    with pytest.raises(ConfigError) as caught:
        loaded(re.sub(rf"^{meant}:", f"{written}:", SMALLEST, flags=re.MULTILINE))
    assert str(caught.value).split(": ", 1)[1] == f"{written}: unknown key; it is called {meant}"


@pytest.mark.parametrize("wrong", ["7 days", "5 m", "", "true", "0s", "-3"])
def test_a_wrong_duration_is_one_line_that_says_it_once(wrong):
    written = wrong if wrong in ("true", "-3") else f"'{wrong}'"
    with pytest.raises(ConfigError) as caught:
        loaded(SMALLEST + f"delivery: {{outbox: {{path: o, ttl: {written}}}}}\n")
    (line,) = str(caught.value).splitlines()
    assert line.count(f"got {written}") == line.count(written) == 1


@pytest.mark.parametrize(
    "wrong",
    ["0,0 0.3,0 0.3,1", "[[0, 0], [1, 0], [1, 1]]", "[[[0, 0], [1, 0], [1, 1]]]", "{a: 1}", "[3]"],
)
def test_a_mask_of_another_form_is_one_line_that_shows_ours(wrong):
    text = SMALLEST.replace("uri: photographs", f"uri: photographs\n    masks: {wrong}")
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    (line,) = str(caught.value).splitlines()
    assert 'masks are a list of texts, as in ["0,0 0.3,0 0.3,1"]' in line


@pytest.mark.parametrize(
    ("sink", "words"),
    [
        ('{type: mqtt, host: "mqtt://broker:1883"}', "host: broker, port: … and tls: false"),
        ('{type: mqtt, host: "mqtts://u:p@broker"}', "host: broker, port: … and tls: true"),
        ("{type: mqtt, host: broker, port: 99999}", "from 1 to 65535"),
        ('{type: http, url: "https://hub:99999/"}', "host or port is wrong"),
    ],
)
def test_a_receiver_that_cannot_be_meant_is_refused(sink, words):
    with pytest.raises(ConfigError, match=words):
        loaded(SMALLEST.partition("sinks:")[0] + f"sinks: [{sink}]\n")
