"""What `edge-gate fleet` can be told, and what its `--help` teaches."""

import argparse
from typing import Any

from edge.commands.arguments.shared.numbers import between, whole
from edge.commands.arguments.shared.paths import to_path

EXAMPLES = """\
examples:
  edge-gate fleet --broker mqtts://control@broker.example --password-file control.password \\
      --ca-file broker-ca.pem --topic 'gate/+'
  edge-gate fleet --broker mqtt://127.0.0.1
  edge-gate fleet set threshold 42 --dry-run --key fleet-key.pem --broker … --topic gate/north

Serves one page of all gates whose status the broker keeps: the worst first, with versions, engine
pairs, thresholds and the last face. It shows no picture of a face. Reads TOPIC/+/status and
TOPIC/+/available; TOPIC is what the gates have as 'topic:', and + stands for any one level, as for
all sites in 'gate/+'. Ctrl-C ends it.

'fleet set threshold' rolls a threshold out: 'edge-gate fleet set --help' tells how.

Exit code: 0; 64 for a wrong command line; 78 when the address of the page or a file cannot be used.
"""


SET = """\
examples:
  edge-gate fleet set threshold 42 --dry-run --key fleet-key.pem \\
      --broker mqtts://control@broker.example --password-file control.password --topic gate/north
  edge-gate fleet set threshold 42 --gate entrance --camera door --key fleet-key.pem --broker …

First every gate observes: it says what the threshold would change, and how many of the faces it has
seen last would reach it; nothing changes. With --dry-run that is all. Then it is set gate by gate,
and the first gate that objects or does not answer ends it; those after it stay as they are.

A gate obeys only when its sink has 'desired:' with the public half of the key:

  openssl genpkey -algorithm ed25519 -out fleet-key.pem            stays here
  openssl pkey -in fleet-key.pem -pubout -out fleet-key.pub.pem    goes to the gates

Exit code: 0; 1 when the broker or a gate objects; 64 for a wrong command line; 78 for a wrong key.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the broker and the page."""
    parser.epilog = EXAMPLES
    _add_broker(parser, "edge-gate")
    parser.add_argument(
        "--listen",
        default="127.0.0.1:8788",
        metavar="HOST:PORT",
        help="of the page (default: %(default)s); other machines need --token-file",
    )
    parser.add_argument(
        "--token-file", type=to_path, metavar="FILE", help="holds what viewers must know"
    )
    actions = parser.add_subparsers(dest="action", metavar="set")
    setting = actions.add_parser(
        "set",
        help="roll a threshold out, gate by gate",
        epilog=SET,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_broker(setting, argparse.SUPPRESS)
    _add_set(setting)


def _add_set(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("what", choices=("threshold",), help="what is set")
    add("value", type=between(0, 100), metavar="SCORE", help="quality score, 0 to 100")
    add("--key", type=to_path, required=True, metavar="FILE", help="private Ed25519 key in PEM")
    add("--gate", action="append", default=[], metavar="NAME", help="only this; may be repeated")
    add("--camera", metavar="NAME", help="only the camera of this name (default: all of a gate)")
    add("--dry-run", action="store_true", help="only ask the gates what it would change")
    add(
        "--within",
        type=whole(1, 86_400),
        default=120,
        metavar="SECONDS",
        help="for the answer of each gate (%(default)s)",
    )


def _add_broker(parser: argparse.ArgumentParser, topic: str) -> None:
    """Add options that may stand before and after `set`: the later does not undo the earlier."""
    unset = argparse.SUPPRESS if topic == argparse.SUPPRESS else None

    def add(name: str, help_text: str, **more: Any) -> None:
        parser.add_argument(
            name, **{"default": unset, "metavar": "FILE", "help": help_text, **more}
        )

    add("--broker", "mqtts://USER@HOST[:PORT], mqtt://, wss:// or ws://", metavar="ADDRESS")
    add("--password-file", "holds the password of USER", type=to_path)
    add("--ca-file", "authority of the broker (default: the system's)", type=to_path)
    add("--certificate", "that proves who we are (mutual TLS)", type=to_path)
    add("--certificate-key", "its key, not encrypted", type=to_path)
    add("--topic", "of the gates (default: edge-gate)", metavar="TOPIC", default=topic)
