"""What `edge-gate init` can be told, and what its `--help` teaches."""

import argparse
from pathlib import Path

from edge.commands.arguments.shared.numbers import to_share
from edge.commands.arguments.shared.paths import to_path

EXAMPLES = """\
examples:
  edge-gate init                                      asks for everything
  edge-gate init 192.168.1.20/stream1                 tries RTSP, then HTTP
  edge-gate init rtsp://10.0.0.7/live /dev/video0 --name door --name desk
  edge-gate init rtsp://10.0.0.7/live --login-file login --sink faces --yes --no-run     in a script

Tries each camera, asks for its login and keeps that in secrets/ (mode 0600), writes its first
picture with the faces found, asks where faces shall go, obtains the networks and builds the pair,
writes FILE with comments, tries all of it once as 'check --connect' does, and offers to run it.
Ctrl-C ends the run. Then it offers to tune the threshold: it watches for a while, sends nothing,
and writes the threshold that the share of faces you name has reached. What it saw stays in tuning/.

A folder of recordings is as good as a camera. Nothing that is there is overwritten. On a terminal
every question that no flag has answered is asked; without one, or with --yes, the suggested answer
is taken, and what has none must be given by its flag. A login is never taken from the command line
alone, where other users could see it; one within an address is moved into secrets/.

Exit code: 0; 1 when a camera or a sink does not work; 64 for a wrong command line.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the addresses, and a flag for each question."""
    parser.epilog = EXAMPLES
    add = parser.add_argument
    add("addresses", nargs="*", metavar="ADDRESS", help="of a camera; a device, file or folder")
    add("--name", action="append", default=[], metavar="NAME", help="of each camera, in order")
    add("--login-file", metavar="FILE", help="holds user:password for the cameras; - reads it in")
    add("--sink", action="append", default=[], metavar="SINK", help="a folder, https://, mqtt://")
    add(
        "--sink-secret",
        type=to_path,
        metavar="FILE",
        help="holds the token or password of the sinks",
    )
    add("--plain", action="store_true", help="allow http:// to another machine")
    add(
        "--pair",
        type=to_path,
        default=Path("pairs/mobilefacenet512"),
        metavar="DIR",
        help="built if it is not there (default: %(default)s)",
    )
    add("--out", type=to_path, default=Path("gate.yaml"), metavar="FILE", help="(%(default)s)")
    add("--run", action=argparse.BooleanOptionalAction, help="run the gate at the end")
    add(
        "--tune",
        type=to_share,
        metavar="SHARE",
        help="then watch, sending nothing, until Ctrl-C, and let this share of the faces pass",
    )
    add("--yes", action="store_true", help="ask nothing, take what is suggested")
