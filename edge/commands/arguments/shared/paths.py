"""Paths on the command line; argparse reports what this refuses."""

import argparse
from pathlib import Path


def to_path(text: str) -> Path:
    """Return a path; an empty text, as of a variable that is not set, is not this folder."""
    if not text:
        raise argparse.ArgumentTypeError("a path must not be empty; this folder is written .")
    return Path(text)
