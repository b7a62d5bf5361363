"""
Print the README's table of measures from the JSON of `edge-gate evaluate`.

    python tests/bench/evaluation_table.py evaluation/evaluation.json
    python tests/bench/evaluation_table.py --clean all.json held-out.json

The clean columns may come from another run: all pairs are more than those that a recipe was not
chosen on, which alone can be few for FMR 1e-3.
"""

import argparse
import json
import sys
from pathlib import Path

NAMES = {
    "prefiqs": "**PreFIQs** (this product)",
    "shift_over_norm": "shift over norm (ours)",
    "norm": "raw embedding norm",
    "detector": "detector score",
    "inter_eye": "inter-eye distance",
    "laplacian": "Laplacian variance",
    "serfiq": "SER-FIQ (dropout)",
    "snr": "signal to noise under dropout (ours)",
    "agreement": "agreement, random copies",
    "spread": "spread, random copies",
}
FMRS = (1e-2, 1e-3)


def areas(evaluation, kind):
    """Return the areas by FMR of one set of images."""
    points = next(one["points"] for one in evaluation["sets"] if one["name"] == kind)
    return {point["fmr"]: point["areas"] for point in points}


def cell(by_measure, measure):
    """Return area and, but for the reference itself, difference with its interval."""
    if measure not in by_measure:
        return "undefined"
    area, difference = by_measure[measure]["area"], by_measure[measure]["difference"]
    if difference["low"] == difference["high"]:
        return f"{area['value']:.3f}"
    value, low, high = (difference[key] for key in ("value", "low", "high"))
    return f"{area['value']:.3f} ({value:+.3f} [{low:+.3f}, {high:+.3f}])"


def rows(clean, degraded):
    """Yield the lines of the table."""
    yield "| measure | clean, 1e-2 | clean, 1e-3 | degraded, 1e-2 | degraded, 1e-3 | ms per face |"
    yield "|---|---|---|---|---|---|"
    columns = [areas(clean, "clean")[fmr] for fmr in FMRS]
    columns += [areas(degraded, "degraded")[fmr] for fmr in FMRS]
    for measure in degraded["plan"]["measures"]:
        cells = [cell(column, measure) for column in columns]
        time = f"{degraded['milliseconds'][measure]:.2f}"
        yield f"| {' | '.join([NAMES[measure], *cells, time])} |"


def main():
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("degraded", type=Path, help="JSON of a run with --degrade")
    parser.add_argument("--clean", type=Path, help="JSON whose clean columns are taken instead")
    arguments = parser.parse_args()
    degraded = json.loads(arguments.degraded.read_text(encoding="utf-8"))
    clean = json.loads((arguments.clean or arguments.degraded).read_text(encoding="utf-8"))
    sys.stdout.write("\n".join(rows(clean, degraded)) + "\n")


if __name__ == "__main__":
    main()
