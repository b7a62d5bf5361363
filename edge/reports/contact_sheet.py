"""Every face in one picture, best to worst, with score and verdict drawn on it."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge.samples import Assessment, Pixels, Reason

TILE = 112
CAPTION = 46
GAP = 6
COLUMNS = 10
LONGEST = 14
"""Characters of a file's name."""
GREEN, RED, GREY = (80, 170, 60), (70, 70, 210), (128, 128, 128)
INK, PAPER = (30, 30, 30), (245, 245, 245)


def best_to_worst(assessments: Sequence[Assessment]) -> list[Assessment]:
    """Return scored faces by rising shift (the scores' own order), then the unscored ones."""

    def order(assessment: Assessment) -> tuple[bool, float]:
        quality = assessment.quality
        return (quality is None, 0.0 if quality is None else quality.shift)

    return sorted(assessments, key=order)


def contact_sheet(assessments: Sequence[Assessment], columns: int = COLUMNS) -> Pixels:
    """
    Draw a grid of face images, best first, a green or red frame by verdict.

    Args:
        assessments: Those without a face image are drawn as an empty tile.
        columns: Tiles in a row.

    Returns:
        (height, width, 3) uint8 BGR.
    """
    tiles = [_tile(assessment) for assessment in best_to_worst(assessments)]
    blank = np.full((TILE + CAPTION + GAP, TILE + GAP, 3), PAPER, np.uint8)
    tiles += [blank] * (-len(tiles) % columns or (columns if not tiles else 0))
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(rows)


def _tile(assessment: Assessment) -> Pixels:
    tile = np.full((TILE + CAPTION + GAP, TILE + GAP, 3), PAPER, np.uint8)
    if assessment.face_image is not None:
        tile[:TILE, :TILE] = cv2.resize(
            assessment.face_image, (TILE, TILE), interpolation=cv2.INTER_AREA
        )
    colour = _colour(assessment)
    cv2.rectangle(tile, (1, 1), (TILE - 2, TILE - 2), colour, 3)
    score = "no score" if assessment.quality is None else f"{assessment.quality.score:.0f}"
    _write(tile, score, TILE + 15, 0.5, colour)
    _write(tile, assessment.verdict.reason.value, TILE + 29, 0.36, INK)
    _write(tile, _origin(assessment), TILE + 42, 0.32, GREY)
    return tile


def _colour(assessment: Assessment) -> tuple[int, int, int]:
    if assessment.verdict.reason is Reason.ASSESSMENT_FAILED:
        return GREY
    return GREEN if assessment.verdict.forward else RED


def _origin(assessment: Assessment) -> str:
    name = assessment.frame.source_text.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    place = "" if assessment.frame.time_s is None else f" {assessment.frame.time_s:.1f}s"
    return f"{_short(name)}{place} #{assessment.face_index}"


def _short(name: str) -> str:
    """Return a name that fits: names of one camera or series differ at their ends."""
    return name if len(name) <= LONGEST else f"{name[:6]}..{name[-(LONGEST - 8) :]}"


def _write(tile: Pixels, text: str, baseline: int, size: float, colour: tuple[int, ...]) -> None:
    cv2.putText(tile, text, (3, baseline), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
