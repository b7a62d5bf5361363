"""`edge-gate schema`: what is written and what is sent, for editors, receivers and the pages."""

import argparse
import json

from edge.config.keys import config_schema, markdown_tables
from edge.delivery.record import record_schema
from edge.monitoring.status import status_schema
from edge.reports.field_tables import field_tables

SCHEMAS = {"config": config_schema, "record": record_schema, "status": status_schema}


def run(arguments: argparse.Namespace) -> int:
    """Print the description."""
    schema = SCHEMAS[arguments.of]()
    if not arguments.markdown:
        print(json.dumps(schema, indent=2, ensure_ascii=False))
    elif arguments.of == "config":
        print(markdown_tables())
    else:
        print(field_tables(schema))
    return 0
