"""The command that builds an engine pair, for messages that ask for one."""

import shlex
from pathlib import Path


def build_command(out: Path, **options: str | bool) -> str:
    """
    Return a command line for people to run.

    Args:
        out: The pair's folder.
        options: Of `edge-gate pair build`; True for one without a value, empty ones are left out.
    """
    given = {**options, "out": str(out)}
    words = (_words(name, value) for name, value in given.items() if value)
    return " ".join(["edge-gate pair build", *words])


def _words(name: str, value: str | bool) -> str:
    option = f"--{name.replace('_', '-')}"
    return option if value is True else f"{option} {shlex.quote(str(value))}"
