"""
Measure how cost grows, print it as tables, and draw it.

    python -m tests.bench.scale --pair PAIR                     # everything, into docs/
    python -m tests.bench.scale --pair PAIR --part outbox --part directory
    python -m tests.bench.scale --pair PAIR --part score --sizes 500,2000 --out DIR

Figures are processor time for one item, so a flat line is growth in proportion. What is not
measured anew keeps the figures of before (scale.csv in the folder named by --out).
"""

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # before anybody loads NumPy; children inherit it

from tests.bench.scale import cameras, directory, faces, outbox, score, shadow_log  # noqa: E402
from tests.bench.scale.plot import draw, table  # noqa: E402
from tests.bench.scale.points import Part, Where, read_points, write_points  # noqa: E402

PARTS: dict[str, Part] = {
    module.PART.name: module.PART
    for module in (cameras, faces, outbox, shadow_log, score, directory)
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pair", type=Path, required=True, help="folder of an engine pair")
    parser.add_argument("--part", action="append", choices=PARTS, help="these alone")
    parser.add_argument("--sizes", help="instead of the usual ones, e.g. 10,100; with one --part")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="default: docs")
    arguments = parser.parse_args()
    sizes = tuple(map(int, arguments.sizes.split(","))) if arguments.sizes else ()
    known = arguments.out / "scale.csv"
    measured = {point.name: point for point in read_points(known)}
    for name in arguments.part or PARTS:
        with TemporaryDirectory(prefix="scale-") as folder:
            where = Where(Path(folder), arguments.pair.absolute(), sizes)
            for point in PARTS[name].measure(where):
                sys.stderr.write(f"{name} {point.size}: {point.series}: {point.milliseconds:.3g}\n")
                measured[point.name] = point
                write_points(known, list(measured.values()))
    points = sorted(measured.values(), key=lambda point: point.size)
    parts = [part for part in PARTS.values() if any(point.part == part.name for point in points)]
    draw(arguments.out / "scale.png", parts, points)
    sys.stdout.write(table(parts, points))


if __name__ == "__main__":
    main()
