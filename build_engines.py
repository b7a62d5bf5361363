"""
The builder's old door: `python build_engines.py build …` is `edge-gate pair build …`.

It works from any folder, also where nothing is installed but what the program needs.
"""

import sys
from collections.abc import Sequence

from edge.__main__ import main as edge_gate


def main(argv: Sequence[str] | None = None) -> int:
    """Run `edge-gate pair` with the same words and return its exit code."""
    if argv is not None:
        return edge_gate(["pair", *argv])
    # As the words of the process: who is given others is a part of a program that goes on.
    sys.argv.insert(1, "pair")
    return edge_gate()


if __name__ == "__main__":
    sys.exit(main())
