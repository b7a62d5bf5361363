"""
The way into `edge-gate`: Ctrl-C ends it in a word, also while the command line is being loaded.

What comes before this module is Python's own start, which nothing of ours can reach.
"""

import importlib
import sys

EXIT_INTERRUPTED = 130


def main() -> int:
    """Load the command line, run one command and return its exit code."""
    try:
        return int(importlib.import_module("edge.__main__").main())
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("interrupted\n")
        return EXIT_INTERRUPTED
