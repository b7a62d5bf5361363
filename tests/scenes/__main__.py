"""
Print what becomes of the people of the scenes, as a table.

    python -m tests.scenes --pair pairs/mobilefacenet512

Needs `GATE_DATA`, or ../shared/data; ByteTrack's rows need `pip install trackers`.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.util import find_spec

from edge.config.model import DetectorSettings, GateSettings
from edge.config.tracks import TrackSettings
from edge.detection.open import open_detector
from edge.gate.decision_replay import RecordedFrame
from engines.pair.pair import open_pair
from tests.scenes.bytetrack import byte_tracked
from tests.scenes.figures import Figures, figures, figures_of_all
from tests.scenes.filmed import Filmed, film
from tests.scenes.scripts import SETTINGS, scripts

HEADER = (
    "| scene | people | counted | tracks | never sent | sent twice | foreign revisions "
    "| no face sent | id switches | IDF1 |"
)

FLOOR_HEADER = (
    "| threshold | people | never sent | with the floor | faces sent | with the floor "
    "| below the threshold | no face sent |"
)
THRESHOLDS = (30, 40, 50, 58, 70, 90)

Frames = Sequence[RecordedFrame]


def table(
    films: Iterable[Filmed], follow: Callable[[Frames], Frames], tracks: TrackSettings
) -> str:
    """Return the table of all scenes by one tracker."""
    settings = replace(SETTINGS, tracks=tracks)
    rows = [(one.name, figures(one, settings, follow(one.recorded))) for one in films]
    rows.append(("**all**", sum((row for _, row in rows), Figures())))
    return "\n".join([HEADER, "|---" * 10 + "|", *(_row(*row) for row in rows)])


def _row(name: str, of: Figures) -> str:
    counts = (of.people, of.counted, of.tracks, of.lost, of.doubled, of.foreign)
    return (
        f"| {name} | {' | '.join(map(str, counts))} | {of.false} | {of.switches} | {of.idf1:.3f} |"
    )


def floors(films: Sequence[Filmed]) -> str:
    """Return the table of what the floor changes, at several thresholds."""
    rows = []
    for threshold in THRESHOLDS:
        without, within = (
            _all_of(films, threshold, tracks)
            for tracks in (TrackSettings(at_least_one_above=100), TrackSettings())
        )
        counts = (without.lost, within.lost, without.sent, within.sent, within.below, within.false)
        rows.append(f"| {threshold} | {without.people} | {' | '.join(map(str, counts))} |")
    return "\n".join([FLOOR_HEADER, "|---" * 8 + "|", *rows])


def _all_of(films: Sequence[Filmed], threshold: float, tracks: TrackSettings) -> Figures:
    settings = replace(SETTINGS, gate=GateSettings(threshold=threshold), tracks=tracks)
    return figures_of_all(films, settings)


def main() -> None:
    """Film all scenes once, and let each tracker follow."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--pair", required=True, help="folder of an engine pair")
    parser.add_argument("--detector", default="mtcnn")
    arguments = parser.parse_args()
    pair = open_pair(arguments.pair)
    detector = open_detector(DetectorSettings(name=arguments.detector))
    films = [film(script, detector, pair) for script in scripts(detector)]
    followed: dict[str, tuple[Callable[[Frames], Frames], TrackSettings]] = {
        "this gate": (list, TrackSettings()),
        "the place alone": (list, TrackSettings(identity=False)),
    }
    if find_spec("trackers"):
        followed["ByteTrack"] = (byte_tracked, TrackSettings(identity=False))
        followed["ByteTrack, then identity"] = (byte_tracked, TrackSettings())
    sys.stdout.write(f"\nWith and without a floor\n\n{floors(films)}\n")
    for name, (follow, tracks) in followed.items():
        sys.stdout.write(f"\n{name}\n\n{table(films, follow, tracks)}\n")


if __name__ == "__main__":
    main()
