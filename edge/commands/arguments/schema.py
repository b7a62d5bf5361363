"""What `edge-gate schema` can be told, and what its `--help` teaches."""

import argparse

EXAMPLES = """\
An editor with a YAML language server checks a configuration while it is written, when the file
starts with the path of the schema, relative to the file:

  # yaml-language-server: $schema=schema.json

examples:
  edge-gate schema > schema.json
  edge-gate schema --markdown
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the format."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--markdown", action="store_true", help="print tables of all keys instead of JSON Schema"
    )
