"""What `edge-gate bench` can be told, and what its `--help` teaches."""

import argparse
from pathlib import Path

from edge.commands.arguments.shared.numbers import whole
from edge.commands.arguments.shared.paths import to_path

EPILOG = """\
Every case is called once in each round, so that a slow spell of the machine hits all alike; the
figures are medians over the rounds, ratios the median of the ratios within the rounds. Single faces
have five times as many rounds. The process
keeps to as many processors as it has threads. The networks timed are those that the engine pair
offers and, where the catalogue has it in its cache, the network as its publisher ships it:

  dense_as_shipped   the published file
  two_pass           dense and pruned network one after the other
  dense              the dense one of these alone
  fused              one graph that gives both embeddings
  dense_compacted    the part of that graph that gives the first

whole_frame is detection, pre-checks, alignment, scoring and verdict of every face of the picture.

With --video, a video goes through the gate as 'edge-gate run' takes it, and each stage of a frame
is timed: decode (reading included), convert (to the colours that the networks see), detect, align,
embed (both networks), track, decide (pre-checks included) and encode (of the faces that leave);
other is what is left of the whole. The ratio is the whole over decode + detect + embed, which no
gate can do without. Milliseconds are of processor time, of all threads; one pass of the video does
not count.

examples:
  edge-gate bench
  edge-gate bench --video entrance.mp4 --detector ultraface68
  edge-gate bench --pair pairs/mine --threads 4 --json >bench.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = EPILOG
    add, default = parser.add_argument, "(default: %(default)s)"
    add("--pair", type=to_path, default=Path("pairs/mobilefacenet512"), metavar="DIR", help=default)
    shipped = "catalogue name or entry file of the network as shipped (default: the pair's own)"
    add("--network", metavar="NAME", help=shipped)
    add(
        "--image",
        type=to_path,
        metavar="FILE",
        help="picture for the frame (default: a group of people from the catalogue)",
    )
    add(
        "--video",
        type=to_path,
        metavar="FILE",
        help="time the stages of its frames, and nothing else",
    )
    add("--detector", choices=("mtcnn", "ultraface68", "yunet"), default="mtcnn", help=default)
    add("--detector-model", type=to_path, metavar="FILE", help="your own file of the detector")
    add(
        "--threads",
        type=whole(1, 10_000),
        default=1,
        metavar="N",
        help=f"of every network {default}",
    )
    rounds = "(default: 20; with --video 3 passes)"
    add("--rounds", type=whole(1, 10_000), metavar="N", help=rounds)
    add("--json", action="store_true", help="print one JSON object instead of tables")
