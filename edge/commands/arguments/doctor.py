"""What `edge-gate doctor` can be told, and what its `--help` teaches."""

import argparse

from edge.commands.arguments.shared.paths import to_path

EXAMPLES = """\
examples:
  edge-gate doctor                          this machine, its libraries and device files
  edge-gate doctor --config gate.yaml       and its engine pair, its cameras, the service's rights
  edge-gate doctor --pair pairs/default     the same for a pair without a configuration
  edge-gate doctor --device-dropin | sudo tee \\
      /etc/systemd/system/edge-gate.service.d/devices.conf

Changes nothing. CUDA and TensorRT are asked in a process of their own, because a broken driver can
crash it. It looks at Python and pip, memory, power mode and device files; at the service's user,
groups and drop-ins, and at what it may read; at GStreamer's elements for CSI cameras, the device
files of USB cameras, and one frame of each network camera; at pairs and their plans. What is wrong
comes with the command that mends it. Before the service is started:

  sudo edge-gate doctor --config /etc/edge-gate/gate.yaml

Exit code: 0 nothing is wrong, 1 a problem was found.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to look at and how to say it."""
    parser.epilog = EXAMPLES
    parser.add_argument("--config", type=to_path, metavar="FILE", help="look at what it needs too")
    parser.add_argument(
        "--pair", type=to_path, action="append", default=[], metavar="DIR", help="an engine pair"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--device-dropin",
        action="store_true",
        help="print a systemd drop-in that allows this machine's device files, and nothing else",
    )
