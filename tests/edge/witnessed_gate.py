"""
The program itself, and a witness who writes down each face that the outbox has taken.

    WITNESS=FILE python -m tests.edge.witnessed_gate run --config gate.yaml

The file gets one key a line, after the face is said to be durable. What it names must reach every
sink, whatever the outbox's own books say.
"""

import os
import sys

from edge.__main__ import main
from edge.delivery.dispatcher import Dispatcher
from edge.delivery.outbox import Placed
from edge.samples import Delivery

_accept = Dispatcher.accept


def _witnessed(self: Dispatcher, delivery: Delivery) -> Placed:
    placed = _accept(self, delivery)
    if placed.kept and self.problem is None:
        # In one write, whole or not at all: the process may be killed at any time.
        os.write(_file, f"{delivery.key}\n".encode())
    return placed


if __name__ == "__main__":
    _file = os.open(os.environ["WITNESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    Dispatcher.accept = _witnessed  # type: ignore[method-assign]
    sys.exit(main())
