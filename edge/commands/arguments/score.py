"""What `edge-gate score` can be told, and what its `--help` teaches."""

import argparse
from pathlib import Path

from edge.commands.arguments.shared.cluster import add_cluster_arguments
from edge.commands.arguments.shared.geometry import add_geometry_arguments
from edge.commands.arguments.shared.numbers import between, whole
from edge.commands.arguments.shared.paths import to_path

SMALLEST_FACE = 40
"""Pixels: the narrowest face that is looked for unless told."""
DEFAULT_PAIR = Path("pairs/mobilefacenet512")
EXAMPLES = """\
examples:
  edge-gate score photo.jpg
  edge-gate score photos/ --out scores.jsonl            .csv, .json, .jsonl, .parquet or .txt
  edge-gate score photos/ clip.mp4 --csv > scores.csv
  edge-gate score crops/ --aligned                      face images of the network's own size
  edge-gate score photos/ --components                  what is wrong with each face, in words
  edge-gate score hall.mp4 --rotate 180                 of a camera mounted upside down
  edge-gate score photos/ --pair pairs/my-network --threshold 60
  edge-gate score /archive --cluster tcp://scheduler:8786 --out scores    one Parquet file a part

The quality score runs from 0 to 100, higher is better: at 40, 40 of 100 reference faces are worse,
most of which have a camera fault.
--components also measures light, exposure, colour, sharpness, compression, size, margins and pose
(quality components of ISO/IEC 29794-5, 0 to 100): the table names those below 50, JSON and CSV have
value and quality of each. They explain a face and decide nothing: docs/protocol.md.
Records go to standard output, progress and the summary to standard error. A .json file is one list,
.jsonl one record a line; Parquet needs the extra 'cluster'. Whatever recording FFmpeg reads is
taken: in folders by its ending, a file that is named by what it holds.
With --cluster the workers of a Dask cluster score; they need this release, the pair and the files
under the same paths. OUT is then a folder: the same command again completes what is missing there,
and computes parts again whose files have changed; another list, pair or setting is refused.
Exit code: 0, 1 when some inputs could not be read, 64 for a wrong command line.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add paths, the pair, the output's form and the gate's threshold."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "paths", nargs="+", type=to_path, metavar="PATH", help="image, folder, video"
    )
    parser.add_argument(
        "--pair",
        type=to_path,
        default=DEFAULT_PAIR,
        metavar="DIR",
        help="engine pair (%(default)s)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON record a line for each face")
    form.add_argument("--csv", action="store_true", help="a table for spreadsheets")
    out = "write there, whole or not at all, in the form that the name ends with"
    parser.add_argument("--out", type=to_path, metavar="OUT", help=out)
    parser.add_argument(
        "--aligned", action="store_true", help="each picture is an aligned face image: find nothing"
    )
    parser.add_argument(
        "--detector", choices=("mtcnn", "ultraface68", "yunet"), help="finds faces (mtcnn)"
    )
    parser.add_argument(
        "--detector-model", type=to_path, metavar="FILE", help="your own file of the detector"
    )
    explain = "also measure quality components of ISO/IEC 29794-5"
    parser.add_argument("--components", action="store_true", help=explain)
    parser.add_argument(
        "--threshold",
        type=between(0, 100),
        default=30.0,
        metavar="SCORE",
        help="0 to 100 (%(default)s)",
    )
    parser.add_argument(
        "--smallest-face",
        type=whole(12, 2000),
        metavar="PIXELS",
        help=f"width ({SMALLEST_FACE})",
    )
    parser.add_argument(
        "--threads", type=whole(1, 64), default=2, metavar="N", help="(%(default)s)"
    )
    add_geometry_arguments(parser)
    add_cluster_arguments(parser)
