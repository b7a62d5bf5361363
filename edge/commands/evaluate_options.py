"""How the options of `edge evaluate` are read; argparse reports what these refuse."""

import argparse

from edge.commands.option_numbers import to_number, whole
from edge.evaluation.measures import MEASURES


def to_names(text: str) -> tuple[str, ...]:
    """Return what commas separate, each once."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",")))


def to_seeds(text: str) -> tuple[int, ...]:
    """Return whole numbers from 0."""
    return tuple(whole(0, 2**32 - 1)(name) for name in to_names(text))


def to_measures(text: str) -> tuple[str, ...]:
    """Return names of measures."""
    names = to_names(text)
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no measure {unknown[0]!r}; choose from {', '.join(MEASURES)}"
        )
    return names


def to_share(text: str) -> float:
    """Return a number above 0, at most 1."""
    share = to_number(text)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return share


def to_number_above_one(text: str) -> int:
    """Return a whole number of at least 2."""
    return whole(2, 1_000_000)(text)
