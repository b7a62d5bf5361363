"""What `edge-gate demo` can be told, and what its `--help` teaches."""

import argparse
from pathlib import Path

from edge.commands.arguments.shared.numbers import whole
from edge.commands.arguments.shared.paths import to_path

DESCRIPTION = """\
Obtains the default network, the face detector and real photographs from package registries (npm
and pip must be installed), builds the engine pair, and takes every face through the gate. What was
obtained and built is reused, and the second run needs no network.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folders that are written."""
    parser.description = DESCRIPTION
    parser.add_argument("--out", type=to_path, default=Path("demo"), metavar="DIR", help="report")
    parser.add_argument(
        "--pair",
        type=to_path,
        default=Path("pairs/mobilefacenet512"),
        metavar="DIR",
        help="engine pair",
    )
    parser.add_argument(
        "--threads", type=whole(1, 64), default=2, metavar="N", help="(%(default)s)"
    )
