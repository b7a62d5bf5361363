"""`edge-gate explain`: each effective setting, its origin and its meaning."""

import argparse
import difflib
from collections.abc import Sequence

from edge.commands.arguments.shared.configuration import configuration
from edge.config.file import read_config
from edge.config.keys import shown_value
from edge.config.origins import Setting, effective_settings
from edge.errors import UsageError
from edge.printable import say


def run(arguments: argparse.Namespace) -> int:
    """Print all settings in a table, or those of one key with their documentation."""
    settings = effective_settings(read_config(configuration(arguments)))
    if arguments.key is None:
        say("\n".join(table(settings)))
    else:
        say("\n\n".join(described(setting) for setting in named(settings, arguments.key)))
    return 0


def named(settings: Sequence[Setting], key: str) -> list[Setting]:
    """
    Return the settings whose name is, starts with or ends with a key.

    Raises:
        UsageError: There is none.
    """
    found = [each for each in settings if f".{key}." in f".{each.name}."]
    if found:
        return found
    known = {end for each in settings for end in _ends(each.name)}
    close = difflib.get_close_matches(key, sorted(known), n=1)
    hint = f"did you mean {close[0]}?" if close else "run it without KEY to see all"
    raise UsageError(f"unknown key {key}; {hint}")


def _ends(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[start:]) for start in range(len(parts))]


def table(settings: Sequence[Setting]) -> list[str]:
    """Return one line for each setting: name, value, origin."""
    rows = [(each.name, shown_value(each.value), each.origin) for each in settings]
    name_width, value_width, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [f"{name:{name_width}}  {value:{value_width}}  {origin}" for name, value, origin in rows]


def described(setting: Setting) -> str:
    """Return one setting with its documentation."""
    key = setting.key
    lines = [
        f"{setting.name}: {shown_value(setting.value)}",
        f"  from     {setting.origin}",
        f"  allowed  {key.allowed}",
        f"  default  {'none, it must be given' if key.required else shown_value(key.default)}",
    ]
    return "\n".join([*lines, f"  {key.meaning}"] if key.meaning else lines)
