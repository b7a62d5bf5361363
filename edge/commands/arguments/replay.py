"""What `edge-gate replay` can be told, and what its `--help` teaches."""

import argparse
from pathlib import Path

from edge.commands.arguments.shared.paths import to_path

EXAMPLES = """\
example:
  edge-gate replay recordings/ --config gate.yaml --config stricter.yaml

Takes the footage through both configurations as a camera would have lived it: tracks, best shots
and duplicates included, by the time stamps of the recording alone, so that a second run gives the
same files. What A forwards here is what `edge-gate run` forwards of this footage by A: each file,
and each photograph, is a scene of its own, a second after the one before it. Nothing is sent to any
sink.

DIR receives replay.html (open it) and replay.json (for programs). They show faces: treat them as
you treat the footage.

Exit code: 0, 1 when some inputs failed, 64 for a wrong command line, 78 for a wrong configuration.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the footage and the two configurations."""
    parser.epilog = EXAMPLES
    add = parser.add_argument
    add(
        "footage", nargs="+", type=to_path, metavar="SOURCE", help="video, image, or folder of them"
    )
    twice = "YAML file; give two: A, then B"
    add("--config", type=to_path, action="append", required=True, metavar="FILE", help=twice)
    add("--source", metavar="NAME", help="the camera, in both configurations")
    add("--out", type=to_path, default=Path("replay"), metavar="DIR", help="(default: %(default)s)")
