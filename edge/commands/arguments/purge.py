"""What `edge-gate purge` can be told, and what its `--help` teaches."""

import argparse

from edge.commands.arguments.shared.numbers import between
from edge.commands.arguments.shared.paths import to_path
from edge.units import seconds

EXAMPLES = """\
examples:
  edge-gate purge --older-than 30d --dry-run --config configs/demo.yaml
  edge-gate purge --older-than 0s --outbox /var/lib/edge-gate/outbox.sqlite
  edge-gate purge --older-than 12h --directory demo/forwarded --list
  edge-gate purge --camera door --config gate.yaml
  edge-gate purge --like asked.jpg --config gate.yaml           only lists, with scores
  edge-gate purge --like asked.jpg --config gate.yaml --yes     deletes

With --config: outbox, directory sinks, shadow log and history of that configuration. The gate may
go on running. Faces that wait in the outbox are deleted as well: their sinks never get them. What
left over HTTP or MQTT is no longer here; ask its receiver.

Age, camera and person go together: a face is deleted when all that are given are so. --like is for
a person who asks to be forgotten: each face is compared with the photographs, and matches from a
comparison score on that the engine pair knows; the output states it. Because comparisons err, it
only lists until --yes is given; look at the list first. Embeddings are computed on the spot and
not stored. What cannot be compared or has no camera's name stays, and is named with --list. In a
history (page.history) are counts, events and marks, no faces: --like leaves it.

Exit code: 0, 1 when a place could not be purged, 64 for a wrong command line.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is wanted, the places and --dry-run."""
    parser.epilog = EXAMPLES
    _add_wanted(parser)
    parser.add_argument("--config", type=to_path, metavar="FILE", help="purge all places it names")
    parser.add_argument(
        "--outbox", type=to_path, action="append", default=[], metavar="FILE", help="an outbox"
    )
    parser.add_argument(
        "--directory",
        type=to_path,
        action="append",
        default=[],
        metavar="DIR",
        help="a sink's folder",
    )
    parser.add_argument(
        "--shadow-log",
        type=to_path,
        action="append",
        default=[],
        metavar="FILE",
        help="a shadow log",
    )
    parser.add_argument(
        "--history", type=to_path, action="append", default=[], metavar="FILE", help="a history"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    parser.add_argument("--yes", action="store_true", help="delete what --like found")
    parser.add_argument("--list", action="store_true", help="print a line for each face")


def _add_wanted(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--older-than", type=_age, metavar="AGE", help="such as 12h or 30d")
    add("--camera", metavar="NAME", help="only faces of this camera")
    add(
        "--like",
        type=to_path,
        action="append",
        default=[],
        metavar="IMAGE",
        help="only faces of the person in this photograph; may be given several times",
    )
    add("--pair", type=to_path, metavar="DIR", help="engine pair that compares (of --config)")
    add(
        "--match-score",
        type=between(-1, 1),
        metavar="SCORE",
        help="comparison score from which a face matches (of the pair)",
    )


def _age(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from error
