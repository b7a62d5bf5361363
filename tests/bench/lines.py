"""What benches print as they go: each line at once, for they take minutes."""

import sys


def show(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
