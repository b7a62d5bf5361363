"""Paths on the command line; argparse reports what this refuses."""

import argparse
import re
from pathlib import Path


def to_path(text: str) -> Path:
    """
    Return a path; of file:// its path.

    An empty text, as of a variable that is not set, is not this folder, a ~ in quotes not a home,
    and an address no file.
    """
    if not text:
        raise argparse.ArgumentTypeError("a path must not be empty; this folder is written .")
    if text.split("/", maxsplit=1)[0] == "~":
        raise argparse.ArgumentTypeError(f"{text}: the shell replaces ~ only without quotes or =")
    text = text.removeprefix("file://")
    if re.match(r"[a-z][a-z0-9+.-]*://", text):
        raise argparse.ArgumentTypeError(
            "an address is no file or folder; 'edge-gate init ADDRESS' makes a configuration of it"
        )
    return Path(text)
