"""`edge-gate schema`: the configuration described for editors and for the documentation."""

import argparse
import json

from edge.config.keys import config_schema, markdown_tables

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


def run(arguments: argparse.Namespace) -> int:
    """Print the description."""
    if arguments.markdown:
        print(markdown_tables())
    else:
        print(json.dumps(config_schema(), indent=2, ensure_ascii=False))
    return 0
