"""What `edge-gate fleet` can be told, and what its `--help` teaches."""

import argparse
from pathlib import Path

EXAMPLES = """\
examples:
  edge-gate fleet --broker mqtts://control@broker.example --password-file control.password \\
      --ca-file broker-ca.pem --topic 'gate/+'
  edge-gate fleet --broker mqtt://127.0.0.1

Serves one page of all gates whose status the broker keeps: the worst first, with versions, engine
pairs, thresholds and the last face. It shows no picture of a face. Reads TOPIC/+/status and
TOPIC/+/available; TOPIC is what the gates have as 'topic:', and + stands for any one level, as for
all sites in 'gate/+'. Ctrl-C ends it.

Exit code: 0; 64 for a wrong command line; 78 when the address of the page or a file cannot be used.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the broker and the page."""
    parser.epilog = EXAMPLES
    _add_broker(parser)
    parser.add_argument(
        "--listen",
        default="127.0.0.1:8788",
        metavar="HOST:PORT",
        help="of the page (default: %(default)s); other machines need --token-file",
    )
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="holds what viewers must know"
    )


def _add_broker(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--broker", metavar="ADDRESS", help="mqtts://USER@HOST[:PORT], mqtt://, wss:// or ws://")
    add("--password-file", type=Path, metavar="FILE", help="holds the password of USER")
    add("--ca-file", type=Path, metavar="FILE", help="authority of the broker (the system's)")
    add("--certificate", type=Path, metavar="FILE", help="that proves who we are (mutual TLS)")
    add("--certificate-key", type=Path, metavar="FILE", help="its key, not encrypted")
    add("--topic", metavar="TOPIC", default="edge-gate", help="of the gates (%(default)s)")
