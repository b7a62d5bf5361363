"""How pictures become what people saw, for commands without a configuration."""

import argparse
import re
from fractions import Fraction


def add_geometry_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the keys of the same names say of a source."""
    group = parser.add_argument_group(
        "geometry", "in addition to what files say themselves; as the keys of a source"
    )
    group.add_argument("--aspect", type=shape, metavar="W:H", help="of the picture, as 16:9")
    group.add_argument(
        "--rotate", type=int, choices=(0, 90, 180, 270), default=0, help="degrees clockwise"
    )
    group.add_argument("--mirror", action="store_true", help="exchange left and right")
    group.add_argument(
        "--deinterlace",
        choices=("auto", "always", "never"),
        default="auto",
        help="combed pictures (%(default)s)",
    )


def shape(text: str) -> Fraction:
    """Read a shape as 16:9."""
    if not re.fullmatch(r"[1-9]\d{0,4}:[1-9]\d{0,4}", text):
        raise argparse.ArgumentTypeError(f"{text} is no shape; write width:height, as 16:9")
    width, height = text.split(":")
    return Fraction(int(width), int(height))
