"""`edge-gate schema`: what is written and what is sent, for editors, receivers and the pages."""

import argparse
import json
import sys

from edge.config.keys import config_schema, markdown_tables
from edge.delivery.record import record_schema
from edge.monitoring.status import status_schema
from edge.printable import say
from edge.reports.field_tables import field_tables

SCHEMAS = {"config": config_schema, "record": record_schema, "status": status_schema}


def run(arguments: argparse.Namespace) -> int:
    """Print the description."""
    schema = SCHEMAS[arguments.of]()
    if not arguments.markdown:
        sys.stdout.write(f"{json.dumps(schema, indent=2, ensure_ascii=False)}\n")
    elif arguments.of == "config":
        say(markdown_tables())
    else:
        say(field_tables(schema))
    return 0
