"""Where and when a camera looks: its masks and hours as the page asks for them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from edge.config.masks import MaskText, Point, Polygon, is_inside, polygon
from edge.config.model import Source
from edge.config.schedule import DAYS, Hours, is_scheduled
from edge.config.section import Section, first_mistake
from edge.page.people import Remembered

KEYS = ("masks", "schedule")
MOST_OF_EACH = 50
"""Masks, and rows of hours."""


class Area(Section):
    """What one source may write down of it."""

    masks: Annotated[tuple[MaskText, ...], Field(strict=False, max_length=MOST_OF_EACH)] = ()
    schedule: Annotated[tuple[Hours, ...], Field(strict=False, max_length=MOST_OF_EACH)] = ()

    def written(self, key: str) -> list[Any]:
        """Return the items of a key, as they are written into the file."""
        if key == "masks":
            return list(self.masks)
        return [_hours(each) for each in self.schedule]

    def changed(self, other: "Area") -> Iterator[str]:
        """Yield the keys that differ."""
        for key in KEYS:
            if self.written(key) != other.written(key):
                yield key

    def document(self) -> dict[str, list[Any]]:
        """Return all of it, as JSON has it; hours in full."""
        return self.model_dump(mode="json")


def area_in(document: object) -> Area:
    """
    Return what was asked for.

    Raises:
        ValueError: It is none; the words name the place.
    """
    try:
        return Area.model_validate(document)
    except ValidationError as error:
        place, words = first_mistake(error)
        raise ValueError(f"{place}: {words}") from error


def area_of(source: Source) -> Area:
    """Return what holds for a source."""
    return Area(masks=source.masks, schedule=source.schedule)


def yaml_of_area(name: str, area: Area) -> str:
    """Return the lines to paste into the configuration file, with the keys around them."""
    asked = {key: area.written(key) for key in KEYS}
    return yaml.safe_dump({"sources": [{"name": name, **asked}]}, sort_keys=False, width=200)


@dataclass(frozen=True, slots=True)
class Covered:
    """What an area would have done with the faces assessed last."""

    faces: int
    masked: tuple[int, ...]
    """People who would be under a mask, and are not now."""
    unmasked: int
    """Faces under a mask now, and under none then."""
    outside: int
    """Faces seen outside of the hours."""


def covered(faces: Sequence[Remembered], now: Area, then: Area) -> Covered:
    """
    Compare two areas.

    Args:
        faces: Of one camera.
        now: In effect.
        then: To look at.
    """
    before, after = ([polygon(text) for text in area.masks] for area in (now, then))
    masked: dict[int, None] = {}
    unmasked = 0
    for face in faces:
        was, is_now = _is_in(before, face.eyes), _is_in(after, face.eyes)
        if is_now and not was:
            masked[face.person] = None
        unmasked += was and not is_now
    outside = sum(
        not is_scheduled(then.schedule, datetime.fromtimestamp(face.seen_s).astimezone())
        for face in faces
    )
    return Covered(len(faces), tuple(masked), unmasked, outside)


def _is_in(masks: Sequence[Polygon], eyes: Point) -> bool:
    return any(is_inside(corners, eyes) for corners in masks)


def _hours(hours: Hours) -> dict[str, Any]:
    return hours.model_dump(mode="json", exclude={"days"} if hours.days == DAYS else None)
