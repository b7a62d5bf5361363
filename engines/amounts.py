"""Counts with their nouns, in words for people."""


def amount(count: int, noun: str, plural: str | None = None) -> str:
    """
    Return a count with its noun, e.g. "1 face", "2 faces".

    Args:
        count: How many.
        noun: Of one, as it is said.
        plural: Of none and of several, where that is not the noun with an "s".
    """
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"
