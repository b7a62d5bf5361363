"""Every command that a message, a help text or an example tells somebody to run exists."""

import argparse
import ast
import json
import re
from pathlib import Path

from edge.__main__ import COMMANDS, parser_of
from edge.config.keys import config_keys
from edge.delivery.record import record_schema
from edge.monitoring.status import status_schema

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [*ROOT.glob("edge/**/*.py"), *ROOT.glob("engines/**/*.py")]
TEXTS = [
    *ROOT.glob("configs/**/*.yaml"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("systemd/*.in"),
    ROOT / "README.md",
]
NAMED = re.compile(r"(?:edge-gate|@BINDIR@/edge-gate) ((?:[a-z]+(?= |$|['`\"\n]) ?)+)([^'`\"\n]*)")
NO_COMMANDS = {"session"}
"""Of the page: what it signs begins with the program's name too."""


def strings(path):
    """Yield the string literals of a module, f-strings in one piece; other files as they are."""
    if path.suffix != ".py":
        yield path.read_text()
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            parts = (getattr(part, "value", None) for part in node.values)
            yield "".join(part if isinstance(part, str) else " …" for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def choices(parser):
    """Return the subcommands of a parser; none where it has no such argument."""
    found = [a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return found[0] if found else {}


def wrong(words, rest):
    """Return what a command line names that the program does not have."""
    first, *more = words.split()
    if first not in COMMANDS:
        return [first] if first not in NO_COMMANDS else []
    parser = choices(parser_of(first))[first]
    if more and more[0] in choices(parser):
        parser = choices(parser)[more[0]]
    elif more and choices(parser):
        return [f"{first} {more[0]}"]
    known = set(parser._option_string_actions)
    return [option for option in re.findall(r"(?<!\S)--[a-z0-9-]+", rest) if option not in known]


def lines(path):
    named = (match for text in strings(path) for match in NAMED.findall(text))
    return [(f"{path.name}: edge-gate {words}{rest}", wrong(words, rest)) for words, rest in named]


def test_every_command_that_is_named_somewhere_exists_with_its_options():
    named = [line for path in (*SOURCES, *TEXTS) for line in lines(path)]
    assert len(named) > 100
    assert [line for line in named if line[1]] == []


def test_nothing_that_an_operator_reads_sends_them_into_a_python_module():
    module = re.compile(r"\b(?:edge|engines)\.[a-z_]+\.[a-z_]+|\b(?:edge|engines)/[a-z_/]+\.py\b")
    read = {
        **{key.name: key.meaning for key in config_keys().values()},
        "record": json.dumps(record_schema()),
        "status": json.dumps(status_schema()),
        **{name: parser_of(name).format_help() for name in COMMANDS},
        **{path.name: "".join(messages(path)) for path in SOURCES},
    }
    assert [name for name, text in read.items() if module.search(text)] == []


def messages(path):
    """Yield what a module raises and logs."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and is_log(node)):
            for each in ast.walk(node):
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    yield each.value


def is_log(call):
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func).startswith("log.")


def test_no_message_sends_an_operator_to_a_file_of_the_checkout():
    door = re.compile(r"python3? (?:-m edge|build_engines)\b(?!\.| COMMAND)")
    assert [path.name for path in SOURCES for text in strings(path) if door.search(text)] == []
