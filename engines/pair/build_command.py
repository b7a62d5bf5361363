"""The command that builds an engine pair, for messages that ask for one."""

import shlex
from pathlib import Path


def build_command(out: Path, **options: str) -> str:
    """
    Return a command line for people to run.

    Args:
        out: The pair's folder.
        options: Of `edge-gate pair build`; empty ones are left out.
    """
    given = {**options, "out": str(out)}
    words = (
        f"--{name.replace('_', '-')} {shlex.quote(value)}" for name, value in given.items() if value
    )
    return " ".join(["edge-gate pair build", *words])
