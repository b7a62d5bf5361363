"""Who gets no face at a threshold: people first, since a threshold decides about them. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edge.config.effective import CameraSettings
from edge.console import people_words
from edge.footage.faces import Observed, ObservedFace, scored

NO_FLOOR = 100.0
THRESHOLDS = tuple(range(10, 100, 10))


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A confirmed track."""

    best: ObservedFace
    score: float
    """Of that face."""


def floor_of(faces: CameraSettings) -> float:
    """Return the quality score from which a person's best face leaves whatever the threshold."""
    return faces.tracks.at_least_one_above if faces.mode == "best_shot" else NO_FLOOR


def people_of(observed: Observed, looked_at: Collection[int] | None = None) -> list[Person]:
    """
    Return the people of footage with a scored face, the best first.

    Args:
        observed: The footage.
        looked_at: Places of the faces that the gate would score; None for all of them.
    """
    faces = observed.faces
    if looked_at is not None:
        faces = [face for place, face in enumerate(faces) if place in looked_at]
    best: dict[int, Person] = {}
    for face, score in scored(faces):
        known = best.get(face.track)
        if face.track in observed.confirmed and (known is None or score > known.score):
            best[face.track] = Person(face, score)
    return sorted(best.values(), key=lambda person: -person.score)


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Tracks with a scored face that are no confirmed person."""

    tracks: int
    """Of video."""
    photographed: int
    """Faces of photographs: nobody can look at them twice, and too low a score tells nobody."""


def unconfirmed_of(observed: Observed) -> Unconfirmed:
    """Return how many there are."""
    others = {
        (face.track, face.time_s is None)
        for face, _ in scored(observed.faces)
        if face.track not in observed.confirmed
    }
    photographed = sum(is_still for _, is_still in others)
    return Unconfirmed(len(others) - photographed, photographed)


def lost(people: Sequence[Person], threshold: float, floor: float = NO_FLOOR) -> list[Person]:
    """
    Return those of whom no face leaves, the best first.

    Args:
        people: All of them.
        threshold: Quality score.
        floor: Quality score from which the best face leaves all the same.
    """
    least = min(threshold, floor)
    return [person for person in people if person.score < least]


def lost_words(best: Sequence[float], threshold: float, floor: float) -> str:
    """
    Say how many people a threshold loses, and what the floor does about it.

    Args:
        best: The highest quality score of each person.
        threshold: Quality score.
        floor: Quality score from which the best face leaves all the same.
    """
    missed = sorted(score for score in best if score < threshold)
    at, everybody = f"At {threshold:.10g}", people_words(len(best))
    if not missed:
        return f"{at}, everybody gets a face: {len(best)} of {everybody}."
    gets = "gets" if len(missed) == 1 else "get"
    whose = "the best of that person is" if len(missed) == 1 else "the best of them is"
    said = f"{at}, {len(missed)} of {everybody} {gets} no face: {whose} {missed[-1]:.3g}."
    if floor >= threshold:
        return said
    still = sum(score < floor for score in missed)
    after = (
        f"{still} still {'gets' if still == 1 else 'get'} none" if still else "everybody has one"
    )
    return f"{said} With tracks.at_least_one_above {floor:.10g} {after}."


def lost_rows(people: Sequence[Person], floor: float) -> list[tuple[str, str]]:
    """Return, for each of some thresholds, how many people get no face."""
    rows = []
    for threshold in THRESHOLDS:
        without, within = (len(lost(people, threshold, each)) for each in (NO_FLOOR, floor))
        with_floor = f", {within} with the floor {floor:.10g}" if floor < threshold else ""
        rows.append((f"{threshold}", f"{without} of {len(people)}{with_floor}"))
    return rows
