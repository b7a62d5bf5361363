import json
import re
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge.config.file import checked, read_config
from edge.config.keys import config_keys, config_schema, markdown_tables
from edge.config.origins import effective_settings
from edge.config.reader import parse_document, read_document
from tests.edge.configurations import SMALLEST

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "configs" / "gate.example.yaml"
REFRESH = "edge-gate schema > configs/schema.json"
VALUES = {name: key for name, key in config_keys().items() if not key.children and name[-1:] != "]"}


def test_every_key_has_a_meaning_for_explain_and_the_readme():
    missing = [
        name
        for name, key in config_keys().items()
        if name[-2:] not in {"", "[]"} and not key.meaning
    ]
    assert missing == []


def test_no_documentation_speaks_of_none_which_cannot_be_written():
    speaking = [name for name, key in config_keys().items() if re.search(r"\bNone\b", key.meaning)]
    assert speaking == []


def test_every_value_has_a_row_in_the_tables():
    rows = {tuple(line.split(" | ")[:2]) for line in markdown_tables().splitlines()}
    for name, key in VALUES.items():
        assert (f"| `{name.rpartition('.')[2]}`", key.meaning) in rows


def test_every_row_has_four_cells():
    rows = [line for line in markdown_tables().splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}


def test_the_schema_for_editors_is_up_to_date():
    written = (ROOT / "configs" / "schema.json").read_text(encoding="utf-8")
    assert json.loads(written) == config_schema(), f"run: {REFRESH}"


def test_the_schema_knows_no_null():
    assert "null" not in json.dumps(config_schema())


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(config_schema())


def accepted_by_schema(text: str) -> bool:
    return validator().is_valid(parse_document(text, EXAMPLE).values)


def test_the_schema_is_a_schema_and_accepts_the_example():
    Draft202012Validator.check_schema(config_schema())
    assert accepted_by_schema(EXAMPLE.read_text(encoding="utf-8"))
    assert accepted_by_schema(uncommented(EXAMPLE.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "mistake",
    [
        "treads: 2",
        "threads: 0",
        "gate: {threshold: 50, shift_at_most: 0.3}",
        "gate: {threshold: '50'}",
        "detector: {name: mtcn}",
        "delivery: {backoff: {first: 3 parsecs}}",
        "delivery: {outbox: {quota: 1MB}}",
    ],
)
def test_the_schema_shows_mistakes_in_an_editor(mistake):
    assert not accepted_by_schema(SMALLEST + mistake)
    assert accepted_by_schema(SMALLEST)


@pytest.mark.parametrize(
    "sink", ["{path: a}", "{type: ftp}", "{type: http}", "{type: mqtt, url: a}"]
)
def test_the_schema_shows_mistakes_in_a_sink(sink):
    assert not accepted_by_schema(SMALLEST.partition("sinks:")[0] + f"sinks: [{sink}]")


def uncommented(text: str) -> str:
    """Return the example with every key active; prose starts with '# ' and a capital or blank."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("pair:"))
    return "\n".join(re.sub(r"^( *)# (?=[ a-z-])", r"\1", line) for line in lines[start:])


def written_keys(values: object, name: str = "") -> set[str]:
    if isinstance(values, dict):
        below = {key: f"{name}.{key}".lstrip(".") for key in values}
        return set(below.values()).union(*(written_keys(values[k], n) for k, n in below.items()))
    if isinstance(values, list):
        sections = [item for item in values if isinstance(item, dict)]
        return set().union(
            *(written_keys(item, f"{name}[{item.get('type', '')}]") for item in sections)
        )
    return set()


def test_the_example_is_valid_as_it_is():
    assert read_config(EXAMPLE).config.sources[0].name == "door"


def test_the_example_shows_every_key():
    document = parse_document(uncommented(EXAMPLE.read_text(encoding="utf-8")), EXAMPLE)
    shown = written_keys(document.values)
    gate_of_a_source = {f"sources[].{name}" for name in shown if name.startswith("gate.")}
    unshown = set(VALUES) - shown - gate_of_a_source
    login = {f"sinks[http].login.{part}" for part in ("name", "file")}
    # Beside threshold and token they would be errors.
    assert unshown == {"gate.shift_at_most", *login}


def test_the_example_shows_the_defaults():
    document = parse_document(uncommented(EXAMPLE.read_text(encoding="utf-8")), EXAMPLE)
    for setting in effective_settings(checked(document)):
        if setting.key.default is not None and not setting.name.startswith("sources."):
            assert (setting.name, setting.value) == (setting.name, setting.key.default)


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.name)
def test_every_shipped_configuration_is_valid_and_names_the_schema(path):
    checked(read_document(path))
    assert path.read_text(encoding="utf-8").startswith(
        "# yaml-language-server: $schema=schema.json\n"
    )
