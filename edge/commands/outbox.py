"""`edge-gate outbox`: look into an outbox, and give dead letters another chance."""

import argparse
import json
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from edge.commands.arguments.shared.configuration import configuration
from edge.config.file import read_config
from edge.console import Screen
from edge.delivery.outbox import Outbox
from edge.delivery.outbox_ledger import LedgerRow
from edge.errors import UsageError
from edge.printable import say
from edge.service.purge import not_made, open_for_service
from engines.amounts import amount

COLUMNS = ("queued", "delivered", "waiting", "dead", "evicted", "expired", "purged", "lost")


def run(arguments: argparse.Namespace) -> int:
    """Run one action."""
    with closing(open_for_service(_path(arguments))) as outbox:
        if arguments.action == "requeue":
            _requeue(outbox, arguments.sink)
        elif arguments.json:
            sys.stdout.write(f"{json.dumps([asdict(row) for row in outbox.ledger()], indent=2)}\n")
        else:
            Screen().print(_table(outbox.ledger()))
    return 0


def _requeue(outbox: Outbox, sink: str) -> None:
    known = [row.sink for row in outbox.ledger()]
    if sink not in known:
        raise UsageError(f"no sink {sink!r} in the outbox; it has {', '.join(known) or 'none'}")
    say(f"{amount(outbox.requeue(sink), 'dead letter')} of {sink} put back to be sent")


def _path(arguments: argparse.Namespace) -> Path:
    path: Path | None = arguments.outbox
    if path is None:
        file = configuration(arguments)
        settings = read_config(file).config.delivery.outbox
        if settings is None:
            raise UsageError(f"{file} configures no outbox (delivery.outbox.path)")
        path = settings.path
    why_not = not_made(path)
    if why_not is not None:
        raise UsageError(f"{path} {why_not}")
    return path


def _table(rows: list[LedgerRow]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=0)
    table.add_column("sink")
    for heading in (*COLUMNS, "oldest"):
        table.add_column(heading, justify="right")
    for row in rows:
        age = "-" if row.oldest_s is None else f"{row.oldest_s / 60:.0f} min"
        table.add_row(row.sink, *(str(getattr(row, name)) for name in COLUMNS), age)
    return table
