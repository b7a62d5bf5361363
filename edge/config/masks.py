"""Parts of a picture in which faces are none of our business. Pure."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from engines.quality.specification import Landmarks

Point: TypeAlias = tuple[float, float]
"""x and y as fractions of the frame's width and height, from its top left corner."""
Polygon: TypeAlias = tuple[Point, ...]

_POINT = re.compile(r"(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)")


def polygon(text: str) -> Polygon:
    """
    Return the corners of `0,0 0.3,0 0.3,1`.

    Raises:
        ValueError: It holds no three points within the frame.
    """
    matches = [_POINT.fullmatch(word) for word in text.split()]
    points = tuple((float(match[1]), float(match[2])) for match in matches if match)
    if len(points) < max(3, len(matches)):
        raise ValueError("a mask is three or more points x,y with blanks between them")
    if any(value > 1 for point in points for value in point):
        raise ValueError("the points of a mask are fractions of the frame, 0 to 1")
    return points


def _checked(text: str) -> str:
    polygon(text)
    return text


def written_masks(value: object) -> object:
    """
    Refuse, once, what is not a list of texts.

    Raises:
        ValueError: It is something else, such as lists of numbers.
    """
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    if isinstance(value, tuple):  # a default
        return value
    raise ValueError('masks are a list of texts, as in ["0,0 0.3,0 0.3,1"]')


MaskText = Annotated[
    str,
    AfterValidator(_checked),
    Field(json_schema_extra={"$comment": "points as in 0,0 0.3,0 0.3,1"}),
]


def is_inside(corners: Polygon, point: Point) -> bool:
    """
    Tell whether a point lies in a polygon, by the even-odd rule.

    A ray to the right crosses the outline an odd number of times; each side holds its upper end
    only, so that a ray through a corner counts once.
    """
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in pairwise((*corners, corners[0])):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside


def is_masked(masks: Sequence[Polygon], landmarks: Landmarks, size: tuple[int, int]) -> bool:
    """
    Tell whether the midpoint between the eyes lies in any mask.

    Args:
        masks: Polygons.
        landmarks: (5, 2) source pixels, the eyes first; NaN lies in no mask.
        size: Width and height of the frame in pixels.
    """
    if not masks:
        return False
    (x1, y1), (x2, y2) = landmarks[:2].tolist()
    midpoint = ((x1 + x2) / 2 / size[0], (y1 + y2) / 2 / size[1])
    return any(is_inside(corners, midpoint) for corners in masks)
