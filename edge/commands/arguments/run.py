"""What `edge-gate run` can be told, and what its `--help` teaches."""

import argparse

from edge.commands.arguments.shared.configuration import add_configuration

EXAMPLES = """\
Files are read to their end, with progress. Cameras, and files in a loop or at their own speed, run
until SIGTERM or Ctrl-C; SIGHUP reads the configuration again, SIGUSR1 logs the ledger. Under
systemd everything runs as a service does. While they run, http://127.0.0.1:8787 shows a live page;
the section 'page' of the configuration says where, and to whom.

examples:
  edge-gate run --config configs/demo.yaml
  edge-gate run --config configs/rtsp.yaml --log text
  edge-gate check --config configs/demo.yaml       only look whether the file is right

Exit code: 0, 1 when some inputs failed, 64 for a wrong command line, 78 for a wrong configuration.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the configuration file and the form of the log."""
    parser.epilog = EXAMPLES
    add_configuration(parser)
    parser.add_argument(
        "--log", choices=("json", "text"), help="default: text on a terminal, else json"
    )
