"""Which configuration file a command is about: the one that is named, or the usual one."""

import argparse
from pathlib import Path

from edge.commands.arguments.shared.paths import to_path
from edge.errors import UsageError

USUAL = (Path("gate.yaml"), Path("/etc/edge-gate/gate.yaml"))
"""Where a configuration is looked for when none is named, the first one that is there."""

_PLACES = ", else ".join(map(str, USUAL))
NAMED = f"YAML file ({_PLACES})"
"""What `--config FILE` is, for its help."""


def add_configuration(parser: argparse.ArgumentParser, *, by_position: bool = True) -> None:
    """Add `--config FILE`, and FILE alone where a command has no other words."""
    if by_position:
        parser.add_argument(
            "file", nargs="?", type=to_path, metavar="FILE", help=f"YAML ({_PLACES})"
        )
    parser.add_argument("--config", type=to_path, metavar="FILE", help=NAMED)


def configuration(arguments: argparse.Namespace) -> Path:
    """
    Return the configuration file.

    Raises:
        UsageError: Two are named, or none is and the usual ones are not there.
    """
    file: Path | None = getattr(arguments, "file", None)
    named: Path | None = arguments.config
    if file is not None and named is not None:
        raise UsageError(f"two configurations, {file} and {named}: name one")
    found = file or named or next((path for path in USUAL if path.exists()), None)
    if found is None:
        looked = " nor ".join(map(str, USUAL))
        raise UsageError(
            f"no configuration is named, and there is neither {looked}: edge-gate init"
        )
    return found
