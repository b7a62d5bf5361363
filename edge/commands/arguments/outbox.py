"""What `edge-gate outbox` can be told, and what its `--help` teaches."""

import argparse

from edge.commands.arguments.shared.configuration import NAMED
from edge.commands.arguments.shared.paths import to_path

EXAMPLES = """\
examples:
  edge-gate outbox status                                            of gate.yaml
  edge-gate outbox status --config configs/demo.yaml
  edge-gate outbox status --outbox /var/lib/edge-gate/outbox.sqlite --json
  edge-gate outbox requeue --sink http --config configs/demo.yaml    after correcting a token

The gate may go on running. `purge` deletes faces.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `status` and `requeue`."""
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(dest="action", metavar="status | requeue", required=True)
    status = actions.add_parser("status", help="where the faces of each sink went")
    status.add_argument("--json", action="store_true", help="print JSON instead of a table")
    requeue = actions.add_parser("requeue", help="try the dead letters of a sink again")
    requeue.add_argument("--sink", required=True, metavar="NAME", help="the sink's name")
    for action in (status, requeue):
        place = action.add_mutually_exclusive_group()
        place.add_argument("--config", type=to_path, metavar="FILE", help=NAMED)
        place.add_argument("--outbox", type=to_path, metavar="FILE", help="an outbox")
