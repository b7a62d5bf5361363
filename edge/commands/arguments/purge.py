"""What `edge-gate purge` can be told, and what its `--help` teaches."""

import argparse
from pathlib import Path

from edge.units import seconds

EXAMPLES = """\
examples:
  edge-gate purge --older-than 30d --dry-run --config configs/demo.yaml
  edge-gate purge --older-than 0s --outbox /var/lib/edge-gate/outbox.sqlite
  edge-gate purge --older-than 12h --directory demo/forwarded --list

With --config: outbox, directory sinks and shadow log of that configuration. The gate may go on
running. Faces that wait in the outbox are deleted as well: their sinks never get them. What left
over HTTP or MQTT is no longer here; ask its receiver.

Exit code: 0, 1 when a place could not be purged, 64 for a wrong command line.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the age, the places and --dry-run."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--older-than", type=_age, required=True, metavar="AGE", help="such as 12h or 30d"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="purge all places it names")
    parser.add_argument(
        "--outbox", type=Path, action="append", default=[], metavar="FILE", help="an outbox"
    )
    parser.add_argument(
        "--directory", type=Path, action="append", default=[], metavar="DIR", help="a sink's folder"
    )
    parser.add_argument(
        "--shadow-log", type=Path, action="append", default=[], metavar="FILE", help="a shadow log"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    parser.add_argument("--list", action="store_true", help="print a line for each face")


def _age(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from error
