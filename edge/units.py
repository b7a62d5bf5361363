"""Numbers with a unit as an operator writes them: `7d`, `90s`, `200MB`."""

import math
import re

SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")


def seconds(text: object) -> float:
    """
    Return the seconds of `90s`, `5min`, `12h` or `7d`; a plain number is seconds already.

    Raises:
        ValueError: It is neither; the message lists the units.
    """
    return _quantity(text, SECONDS)


def amount_of_bytes(text: object) -> int:
    """
    Return the bytes of `500kB`, `200MB` or `1GiB`; a plain number is bytes already.

    Raises:
        ValueError: It is neither; the message lists the units.
    """
    return round(_quantity(text, BYTES))


def _quantity(text: object, units: dict[str, float] | dict[str, int]) -> float:
    if isinstance(text, (int, float)) and not isinstance(text, bool) and math.isfinite(text):
        return text
    match = QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[2] not in units:
        raise ValueError(f"is no number with one of the units {', '.join(units)}")
    return float(match[1]) * units[match[2]]
