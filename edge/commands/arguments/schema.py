"""What `edge-gate schema` can be told, and what its `--help` teaches."""

import argparse

DESCRIBED = ("config", "record", "status")

EXAMPLES = """\
An editor with a YAML language server checks a configuration while it is written, when the file
starts with the path of the schema, relative to the file:

  # yaml-language-server: $schema=schema.json

record is what a sink receives of a face, status what /status answers and a broker keeps.

examples:
  edge-gate schema > schema.json
  edge-gate schema --markdown
  edge-gate schema record > record.schema.json
  edge-gate schema status > status.schema.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is described, and the format."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "of",
        nargs="?",
        choices=DESCRIBED,
        metavar=" | ".join(DESCRIBED),
        default="config",
        help="what is described (%(default)s)",
    )
    parser.add_argument(
        "--markdown", action="store_true", help="print tables of all keys instead of JSON Schema"
    )
