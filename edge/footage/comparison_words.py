"""What comes of a comparison of two configurations, in sentences: people first. Pure."""

from collections.abc import Iterator

from edge.footage.comparison import Comparison


def sentences(
    found: Comparison, thresholds: tuple[str, str], sent: tuple[int, int]
) -> Iterator[str]:
    """
    Yield the outcome, the total last.

    Args:
        found: The people.
        thresholds: What decides in A and in B, in words.
        sent: Faces that each of them sends.
    """
    both, only_a, only_b = len(found.both), len(found.only_first), len(found.only_second)
    everybody = both + only_a + only_b + len(found.neither)
    yield (
        f"Of {_people(everybody)} both send a face of {both}, A alone of {only_a}, B alone of "
        f"{only_b}, neither of {len(found.neither)}."
    )
    yield f"A ({thresholds[0]}) sends {_faces(sent[0])}, B ({thresholds[1]}) {_faces(sent[1])}."
    if any(found.unconfirmed):
        yield (
            "Among them of tracks that no second look confirmed as people: "
            f"A {found.unconfirmed[0]}, B {found.unconfirmed[1]}."
        )
    yield _total(only_a, only_b, sent[1] - sent[0])


def _total(only_a: int, only_b: int, more_faces: int) -> str:
    at = _price(more_faces)
    if only_b > only_a:
        return f"B is better: {_people(only_b - only_a)} more with a face, {at}."
    if only_b < only_a:
        return f"B is worse: {_people(only_a - only_b)} fewer with a face, {at}."
    if only_a:
        return f"Neither is better: each reaches {_people(only_a)} that the other loses, {at}."
    if more_faces:
        return f"Both reach the same people, {at}."
    return "Both reach the same people with as many faces."


def _price(more_faces: int) -> str:
    if more_faces == 0:
        return "B with as many faces"
    return f"B with {_faces(abs(more_faces))} {'more' if more_faces > 0 else 'fewer'}"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _faces(count: int) -> str:
    return "1 face" if count == 1 else f"{count} faces"
