"""What `edge-gate tune` can be told, and what its `--help` teaches."""

import argparse
from pathlib import Path

from edge.commands.arguments.shared.configuration import add_configuration
from edge.commands.arguments.shared.numbers import to_positive, to_share, whole
from edge.commands.arguments.shared.paths import to_path

DEFAULT = "(default: %(default)s)"
EXAMPLES = """\
examples:
  edge-gate tune recordings/ --config gate.yaml                      only look
  edge-gate tune recordings/ --config gate.yaml --forward-rate 0.3   suggest
  edge-gate tune monday.mp4 tuesday.mp4 --config gate.yaml --source door --per-minute 6 --write
  edge-gate tune --config gate.yaml --source door --marks
  edge-gate tune staff/ --config gate.yaml --fnmr-labels pairs.csv --fnmr 0.02

Nothing is forwarded. SOURCE is footage of one camera (--source) or of all of them, or the shadow
log that the gate has filled in mode observe; without SOURCE, each recording that the configuration
names is looked at, and its shadow_log for live cameras. DIR receives one HTML report for each
camera: open it, and look at the faces just above and just below the threshold. It holds faces:
treat it as you treat the footage. NAME.baseline.json beside it holds how scores are spread, no
face: against it the gate sees later that a camera has changed.

--forward-rate and --per-minute come as close as these faces allow; of thresholds that forward as
many faces a minute, the one in effect stays, or else the nearest to it. A rate is the share of all
faces found that are good enough. Faces per minute are those that `edge-gate run` forwards of this
very footage: best shots, repeats and rate limits are those of the configuration, of mode best_shot
where it only observes. --fnmr-labels names a CSV file with the columns image_a, image_b (paths
below SOURCE, then a single folder) and mated (1 = same person): the lowest threshold whose
forwarded faces are refused no more often than --fnmr at the false match rate --fmr. Intervals are
95 %, by bootstrap over people (tracks) or pairs. A suggestion needs 50 scored faces of 5 tracks, or
50 mated pairs. --marks takes what people said of single faces on the live page (page.history keeps
it), of 10 or more, and suggests the threshold that decides so about most of them; with every other
goal it is told how many are decided so.

The change is printed as a diff. --write makes it in FILE, and touches nothing else there.
Exit code: 0; 1 when no threshold could be told or an input failed; 64 for a wrong command line;
78 for a wrong configuration.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add footage, configuration, the goal and what is to be written."""
    parser.epilog = EXAMPLES
    add = parser.add_argument
    add(
        "footage",
        nargs="*",
        type=to_path,
        metavar="SOURCE",
        help="video, image, folder of them, or shadow log",
    )
    add_configuration(parser, by_position=False)
    add("--source", metavar="NAME", help="the camera of the configuration that the footage is of")
    goal = parser.add_mutually_exclusive_group()
    goal.add_argument("--forward-rate", type=to_share, metavar="SHARE", help="good of all, 0 to 1")
    goal.add_argument(
        "--per-minute", type=to_positive, metavar="N", help="faces forwarded a minute"
    )
    goal.add_argument("--fnmr-labels", type=to_path, metavar="CSV", help="labelled pairs of images")
    goal.add_argument("--marks", action="store_true", help="as faces were marked on the live page")
    add("--fnmr", type=to_share, default=0.02, metavar="SHARE", help=f"with labels {DEFAULT}")
    add("--fmr", type=to_share, default=0.001, metavar="SHARE", help=f"with labels {DEFAULT}")
    add(
        "--every",
        type=whole(1, 1_000_000),
        default=1,
        metavar="N",
        help=f"each n-th frame of videos {DEFAULT}",
    )
    add("--out", type=to_path, default=Path("tuning"), metavar="DIR", help=f"for reports {DEFAULT}")
    add("--write", action="store_true", help="make the change in FILE")
