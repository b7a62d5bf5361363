"""What `edge-gate check` can be told, and what its `--help` teaches."""

import argparse
from pathlib import Path

EXAMPLES = """\
examples:
  edge-gate check --config configs/demo.yaml
  edge-gate check --prove --config /etc/edge-gate/gate.yaml

Reads the file, then looks whether the engine pair, the sources, the folders of the sinks and the
certificates are there. Opens no network and no video, writes nothing and downloads nothing.

With --prove it opens engine pair and detector too: every file has the hash it should have, and the
networks compute their golden vectors. Plans for a GPU are judged by their files, which have to be
made for this machine; only the gate itself runs them. 'systemctl reload' asks for this.

Exit code: 0, or 78 with one line for each mistake: file:line:column: key: what.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the configuration file."""
    parser.epilog = EXAMPLES
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="YAML file")
    parser.add_argument(
        "--prove", action="store_true", help="open the engine pair and the detector too"
    )
