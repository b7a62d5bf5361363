"""What `edge-gate check` can be told, and what its `--help` teaches."""

import argparse

from edge.commands.arguments.shared.configuration import add_configuration

EXAMPLES = """\
examples:
  edge-gate check configs/demo.yaml
  edge-gate check --connect gate.yaml         does everything it names work?
  edge-gate check --prove --config /etc/edge-gate/gate.yaml

Reads the file, then looks whether the engine pair, the sources, the folders of the sinks, the
certificates and the secrets are there. Opens no network and no video, writes nothing and downloads
nothing; says what it did not try, and which files of the detector the first start obtains. Secrets
that a unit names are believed; the service itself asks again.

With --connect it does what the gate will do, once: it opens the pair, takes one frame of each
source, and sends one test delivery to each sink, whose record says "test": true and shows nobody;
from a folder it is deleted again. Each line says what to do about what does not work. A USB or CSI
camera that a running gate has open cannot be opened a second time.

With --prove it opens engine pair and detector too: every file has the hash it should have, and the
networks compute their golden vectors. Plans for a GPU are judged by their files, which have to be
made for this machine; only the gate itself runs them. Where GStreamer reads or decodes a source, it
has to load and to have the elements. 'systemctl reload' asks for this.

Exit code: 0; 1 when something does not work that --connect tried; 64 for a wrong command line; 78
with one line for each mistake: file:line:column: key: what.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the configuration file."""
    parser.epilog = EXAMPLES
    add_configuration(parser)
    parser.add_argument(
        "--connect", action="store_true", help="try cameras, sinks and the pair, once each"
    )
    parser.add_argument(
        "--prove", action="store_true", help="open the engine pair and the detector too"
    )
