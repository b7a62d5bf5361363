"""Load a configuration file; every mistake in it is reported with file, line, column and key."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edge.config.keys import Key, config_keys, generic_name
from edge.config.model import Config
from edge.config.paths.apart import not_apart
from edge.config.reader import Document, KeyPath, Place, key_name, place_error, read_document
from edge.config.uri import redacted
from edge.errors import ConfigError

_LONGEST_SHOWN = 60
_OTHER_WORDS = {
    **dict.fromkeys(("camera", "cameras", "inputs", "streams", "source"), "sources"),
    **dict.fromkeys(("output", "outputs", "destinations", "targets", "sink"), "sinks"),
    **dict.fromkeys(("network", "networks", "engines", "model"), "pair"),
    **dict.fromkeys(("url", "address", "stream"), "uri"),
    **dict.fromkeys(("web", "ui", "http"), "page"),
    **dict.fromkeys(("zones", "areas", "mask"), "masks"),
    **dict.fromkeys(("credentials", "secret"), "login"),
}
"""What people coming from other programs call a key."""
_WORDS = {
    "wrong kind of value": re.compile(r".*_type|int_from_float|is_instance_of"),
    "out of range": re.compile(r"(greater|less)_than.*|finite_number"),
    "unknown value": re.compile(r"literal_error|union_tag_invalid"),
    "wrong characters": re.compile(r"string_pattern_mismatch"),
    "wrong length": re.compile(r"string_too_(short|long)"),
    "is missing": re.compile(r"missing|union_tag_not_found"),
}


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration and where each of its values was written."""

    config: Config
    document: Document


def read_config(path: str | Path) -> LoadedConfig:
    """
    Read and check one configuration file; relative paths in it start from its folder.

    Raises:
        ConfigError: One line for each mistake: `file:line:column: key: what, got …, allowed …`.
    """
    return checked(read_document(Path(path)))


def checked(document: Document) -> LoadedConfig:
    """
    Check a document read by `edge.config.reader`.

    Raises:
        ConfigError: As `read_config`.
    """
    try:
        context = {"folder": document.path.parent}
        config = Config.model_validate(document.values, context=context)
    except ValidationError as error:
        found = sorted(_mistake(document, details) for details in _apart(error.errors()))
        lines = (str(place_error(document.path, place, message)) for place, message in found)
        raise ConfigError("\n".join(lines)) from error
    clashes = [line_of(document, *clash) for clash in not_apart(config, document.path)]
    if clashes:
        raise ConfigError("\n".join(clashes))
    return LoadedConfig(config, document)


def line_of(document: Document, path: KeyPath, words: str) -> str:
    """Return what is wrong with the value of a key, after its place and the key."""
    place = place_of(document, path, of_key=False)
    return str(place_error(document.path, place, f"{key_name(path)}: {words}"))


def _apart(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out that a key is missing where another word for it is written."""
    meant = {
        (*each["loc"][:-1], _OTHER_WORDS.get(str(each["loc"][-1])))
        for each in errors
        if each["type"] == "extra_forbidden"
    }
    return [each for each in errors if each["type"] != "missing" or each["loc"] not in meant]


def _mistake(document: Document, details: ErrorDetails) -> tuple[Place, str]:
    """Return the place of one of pydantic's errors, and our words for it."""
    kind, loc = details["type"], details["loc"]
    path = _written_path(document, loc, kind)
    if kind == "extra_forbidden":
        words = _unknown_words(generic_name(loc[:-1]), str(loc[-1]))
    elif kind == "value_error":
        words = redacted(str(details["ctx"]["error"]))
        if not isinstance(details["input"], (dict, list)):
            words += f", got {_shown(details['input'])}"
    else:
        words = _wrong_words(details, config_keys().get(generic_name(loc)))
    if kind.startswith("union_tag"):
        path = (*path, details["ctx"]["discriminator"].strip("'"))
    prefix = f"{key_name(path)}: " if path else ""
    of_key = kind == "extra_forbidden" or isinstance(details["input"], (dict, list))
    place = place_of(document, path, of_key=of_key)
    return place, prefix + words


def _written_path(document: Document, loc: Sequence[str | int], kind: str) -> KeyPath:
    """Keep of pydantic's location what is in the file; it also holds the tags of unions."""
    path: list[str | int] = []
    here: Any = document.values
    for part in loc:
        is_item = isinstance(here, list) and isinstance(part, int)
        if is_item or (isinstance(here, dict) and part in here):
            path.append(part)
            here = here[part]
    return (*path, loc[-1]) if kind == "missing" else tuple(path)


def place_of(document: Document, path: KeyPath, *, of_key: bool) -> Place:
    """Return the place of a value or its key, or of what is around it when it is missing."""
    if of_key and path in document.key_places:
        return document.key_places[path]
    if path in document.value_places:
        return document.value_places[path]
    return place_of(document, path[:-1], of_key=True)


def _wrong_words(details: ErrorDetails, key: Key | None) -> str:
    kind = details["type"]
    what = next((words for words, kinds in _WORDS.items() if kinds.fullmatch(kind)), None)
    if what == "is missing":
        return f"is missing; it takes {key.allowed}" if key else "is missing"
    got = details.get("ctx", {}).get("tag", details["input"])
    shown = _shown(got)
    if key is not None and key.children and isinstance(got, str):
        shown = "text"  # it may be a password
    if key is None:
        return f"{what or details['msg']}, got {shown}"
    if what == "out of range" and " from " not in key.allowed:  # a quantity with a unit
        what = details["msg"].removeprefix("Input ")
    return f"{what or details['msg']}, got {shown}, allowed {key.allowed}"


def _shown(value: object) -> str:
    match value:
        case dict():
            return "a section"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
    shown = redacted(repr(value))
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"


def _unknown_words(section: str, wrong: str) -> str:
    keys = config_keys()
    known = keys[section].children
    elsewhere = [name for name in keys if name.rpartition(".")[2] == wrong]
    close = difflib.get_close_matches(wrong, known, n=1)
    if _OTHER_WORDS.get(wrong) in known:
        return f"unknown key; it is called {_OTHER_WORDS[wrong]}"
    if elsewhere:
        return f"unknown key here; did you mean {elsewhere[0]}?"
    if close:
        return f"unknown key; did you mean {close[0]}?"
    return f"unknown key; known keys: {', '.join(known)}"
