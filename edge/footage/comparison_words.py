"""What comes of a comparison of two configurations, in sentences: people first. Pure."""

from collections.abc import Iterator

from edge.console import people_words
from edge.footage.comparison import Comparison
from engines.amounts import amount


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
        f"Of {people_words(everybody)} both send a face of {both}, A alone of {only_a}, B alone of "
        f"{only_b}, neither of {len(found.neither)}."
    )
    faces = [amount(count, "face") for count in sent]
    yield f"A ({thresholds[0]}) sends {faces[0]}, B ({thresholds[1]}) {faces[1]}."
    if any(found.unconfirmed):
        yield (
            "Among them of tracks that no second look confirmed as people: "
            f"A {found.unconfirmed[0]}, B {found.unconfirmed[1]}."
        )
    yield _total(only_a, only_b, sent[1] - sent[0])


def _total(only_a: int, only_b: int, more_faces: int) -> str:
    at = _price(more_faces)
    if only_b > only_a:
        return f"B is better: {people_words(only_b - only_a)} more with a face, {at}."
    if only_b < only_a:
        return f"B is worse: {people_words(only_a - only_b)} fewer with a face, {at}."
    if only_a:
        return f"Neither is better: each reaches {people_words(only_a)} that the other loses, {at}."
    if more_faces:
        return f"Both reach the same people, {at}."
    return "Both reach the same people with as many faces."


def _price(more_faces: int) -> str:
    if more_faces == 0:
        return "B with as many faces"
    return f"B with {amount(abs(more_faces), 'face')} {'more' if more_faces > 0 else 'fewer'}"
