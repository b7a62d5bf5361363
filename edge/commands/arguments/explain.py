"""What `edge-gate explain` can be told, and what its `--help` teaches."""

import argparse

from edge.commands.arguments.shared.configuration import add_configuration

EXAMPLES = """\
examples:
  edge-gate explain --config configs/demo.yaml                 every setting
  edge-gate explain --config configs/demo.yaml threshold       of the gate and of each source
  edge-gate explain --config configs/demo.yaml sources.clip    one section

Exit code: 0, 64 for an unknown KEY, 78 for a wrong configuration.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the configuration file and the key."""
    parser.epilog = EXAMPLES
    add_configuration(parser, by_position=False)
    parser.add_argument("key", nargs="?", metavar="KEY", help="a key or a section; default all")
