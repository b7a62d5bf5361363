"""Error-versus-discard curves as a table, for other programs to draw and compare."""

import csv
from collections.abc import Sequence
from pathlib import Path

from edge.delivery.face_output import whole_text
from edge.evaluation.curves import SetResult

COLUMNS = ("images", "fmr", "measure", "convention", "discard", "fnmr")
"""Set, false match rate, measure, how ties count, share discarded, false non-match rate of rest."""


def write_edc(sets: Sequence[SetResult], path: Path) -> int:
    """
    Write one row for each step of each curve; return how many curves there are.

    Raises:
        SinkError: The folder does not exist or cannot be written.
    """
    curves = [
        ((one.name, f"{point.fmr:g}", measure), curve)
        for one in sets
        for point in one.points
        for measure, curve in point.curves.items()
    ]
    with whole_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for named, curve in curves:
            for discard, fnmr in zip(curve.discard, curve.fnmr, strict=True):
                writer.writerow((*named, curve.convention, f"{discard:.6g}", f"{fnmr:.6g}"))
    return len(curves)
