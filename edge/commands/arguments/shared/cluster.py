"""What the commands that can use a Dask cluster can be told about it."""

import argparse

from edge.commands.arguments.shared.numbers import whole


def add_cluster_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the scheduler and the size of the parts."""
    parser.add_argument(
        "--cluster", metavar="tcp://HOST:PORT", help="let the workers of this Dask scheduler do it"
    )
    parser.add_argument(
        "--part-size",
        type=whole(1, 1_000_000),
        default=256,
        metavar="N",
        help="with --cluster: images in one part (%(default)s)",
    )
