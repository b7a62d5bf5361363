"""
Which person and which group the images of an evaluation belong to, from a CSV file of the user's.

Columns: `group`, and `image` or `person` or both. An image without a person in the file is of the
person that its folder is named after, as in LFW. Nothing is guessed from a face.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from edge.errors import UsageError
from edge.evaluation.csv_rows import csv_rows


@dataclass(frozen=True, slots=True)
class Membership:
    """Of one image."""

    person: str
    group: str


def read_groups(path: Path, images: Sequence[str]) -> Mapping[str, Membership]:
    """
    Return the membership of each image that has one.

    Args:
        path: Of the CSV file.
        images: Names of all images of the evaluation.

    Raises:
        UsageError: Not readable, a column or value missing, a person in two groups, an image whose
            person nobody can tell, fewer than two groups among the images; the message starts with
            the file.
    """
    rows = _rows(path)
    of_images = {row["image"]: row for row in rows if row.get("image")}
    of_people = {row["person"]: row for row in rows if not row.get("image")}
    _require_one_group_each(path, rows)
    found: dict[str, Membership] = {}
    for image in images:
        row = of_images.get(image) or of_people.get(_folder_of(image))
        if row is not None:
            person = row.get("person") or _folder_of(image)
            if not person:
                raise UsageError(f"{path}: whose is {image}? add a column 'person'")
            found[image] = Membership(person, row["group"])
    if len({each.group for each in found.values()}) < 2:
        raise UsageError(f"{path}: names fewer than two groups among the images of the pairs")
    return found


def _rows(path: Path) -> Sequence[Mapping[str, str]]:
    rows = csv_rows(path)
    columns = set(rows[0]) if rows else set()
    if "group" not in columns or not columns & {"image", "person"}:
        raise UsageError(f"{path}:1: it needs the columns group, and image or person")
    for line, row in enumerate(rows, 2):
        if not row["group"] or not (row.get("image") or row.get("person")):
            raise UsageError(f"{path}:{line}: a value is missing")
    return rows


def _require_one_group_each(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    groups: dict[str, str] = {}
    for line, row in enumerate(rows, 2):
        person = row.get("person") or _folder_of(row["image"]) or row["image"]
        if groups.setdefault(person, row["group"]) != row["group"]:
            raise UsageError(
                f"{path}:{line}: {person} is in two groups, {groups[person]} and {row['group']}"
            )


def _folder_of(image: str) -> str:
    """Return the name of the folder an image lies in; empty for one that lies in none."""
    return PurePath(image).parent.name
