"""What `edge-gate check` can be told, and what its `--help` teaches."""

import argparse
from pathlib import Path

EXAMPLES = """\
example:
  edge-gate check --config configs/demo.yaml

Reads the file, then looks whether the engine pair, the sources, the folders of the sinks and the
certificates are there. Opens no network and no video, and writes nothing.

Exit code: 0, or 78 with one line for each mistake: file:line:column: key: what.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the configuration file."""
    parser.epilog = EXAMPLES
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="YAML file")
