"""
The builder's old door: `python build_engines.py build …` is `edge-gate pair build …`.

It works from any folder, also where nothing is installed but what the program needs.
"""

import sys
from collections.abc import Sequence

from edge.__main__ import main as edge_gate


def main(argv: Sequence[str] | None = None) -> int:
    """Run `edge-gate pair` with the same words and return its exit code."""
    return edge_gate(["pair", *(sys.argv[1:] if argv is None else argv)])


if __name__ == "__main__":
    sys.exit(main())
