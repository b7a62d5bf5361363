"""Numbers on the command line; argparse reports what these refuse."""

import argparse
from collections.abc import Callable


def to_number(text: str) -> float:
    """Return a finite number."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number, such as 6 or 0.3") from None
    if not abs(number) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not finite")
    return number


def to_share(text: str) -> float:
    """Return a number between 0 and 1, neither of them."""
    share = to_number(text)
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1; 30 % is written 0.3")
    return share


def to_positive(text: str) -> float:
    """Return a number above 0."""
    number = to_number(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def between(low: float, high: float) -> Callable[[str], float]:
    """Return what reads a number from `low` to `high`."""

    def read(text: str) -> float:
        number = to_number(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low:,} and {high:,}")
        return number

    return read


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return what reads a whole number from `low` to `high`."""
    within = between(low, high)

    def read(text: str) -> int:
        number = within(text)
        if not number.is_integer():
            raise argparse.ArgumentTypeError(f"{text} is no whole number")
        return int(number)

    return read
