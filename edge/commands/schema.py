"""`edge-gate schema`: the configuration described for editors and for the documentation."""

import argparse
import json

from edge.config.keys import config_schema, markdown_tables


def run(arguments: argparse.Namespace) -> int:
    """Print the description."""
    if arguments.markdown:
        print(markdown_tables())
    else:
        print(json.dumps(config_schema(), indent=2, ensure_ascii=False))
    return 0
