"""
How much a gate that looks sparingly saves, and what is lost by it: every clip and scene both ways.

    python -m tests.bench.looks --pair pairs/mobilefacenet512 [--detector yunet] [--threshold 30]

Needs `GATE_DATA`, or ../shared/data. Each clip goes through a gate that observes, once with
`tracks.looks: every` and once `sparing`, and with `--search` also by `tracks.search: sparing`;
both are then decided by mode `best_shot`, which is what
`run` does with the same footage (`tests/edge/footage/test_camera_run.py`).
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.config.effective import CameraSettings, observing
from edge.config.model import DetectorSettings, GateSettings
from edge.config.tracks import Looks, TrackSettings
from edge.detection.open import open_detector
from edge.gate.best_shot import Shot
from edge.gate.camera_gate import CameraGate
from edge.gate.decision_replay import replayed
from edge.protocols import FaceDetector, LocalFaceDetector
from edge.samples import Box, DetectedFace, Frame, Pixels
from edge.sources.video import VideoFile
from engines.pair.pair import EnginePair, open_pair
from tests.bench.lines import show
from tests.gate_data import gate_data
from tests.scenes.filmed import Filmed, frames_seen
from tests.scenes.scripts import scripts
from tests.scenes.stage import FPS, Shown

HEADER = (
    "| clip | frames | detections | sparing | looks | sparing | people sent | sparing "
    "| sent twice | foreign revisions | best-shot score | sparing |"
)


@dataclass
class Counting:
    """Counts how often faces are sought."""

    detector: FaceDetector
    calls: int = 0

    def detect(self, pixels: Pixels) -> Sequence[DetectedFace]:
        self.calls += 1
        return self.detector.detect(pixels)

    def detect_near(self, pixels: Pixels, box: Box) -> Sequence[DetectedFace]:
        assert isinstance(self.detector, LocalFaceDetector)
        return self.detector.detect_near(pixels, box)


@dataclass(frozen=True, eq=False)
class Clip:
    """Footage, with who is to be seen in it where that is known."""

    name: str
    frames: Sequence[Frame]
    people: frozenset[str] = frozenset()
    truth: Sequence[tuple[Shown, ...]] = ()


@dataclass
class Done:
    """What one way of looking did with a clip."""

    detections: int = 0
    looks: int = 0
    sent: dict[str, float] = field(default_factory=dict)
    """By person: the quality score of the face that was sent last."""
    twice: int = 0
    """People sent more than once other than as a revision."""
    foreign: int = 0
    """Revisions of somebody else's face."""


def clips(detector: FaceDetector) -> Iterator[Clip]:
    """Yield the filmed clips, and the scenes."""
    for path in sorted(gate_data("video").iterdir()):
        yield Clip(path.name, list(VideoFile(path).frames()))
    for scene in scripts(detector):
        drawn = list(scene.frames())
        frames = [
            Frame(one.pixels, scene.name, index, index / FPS) for index, one in enumerate(drawn)
        ]
        yield Clip(f"scene: {scene.name}", frames, scene.people, [one.shown for one in drawn])


def done(clip: Clip, detector: FaceDetector, pair: EnginePair, settings: CameraSettings) -> Done:
    """Return what a gate of these settings does with a clip."""
    counting = Counting(detector)
    gate = CameraGate(counting, pair, observing(settings))
    frames = list(frames_seen(clip.frames, gate))
    outcomes = list(replayed(frames, settings, settings.gate.threshold, pair.identity))
    seen = [face.assessment for outcome in outcomes for face in outcome.seen]
    looks = sum(face is not None and face.quality is not None for face in seen)
    film = Filmed(clip.name, clip.people, frames, clip.truth, pair.identity)
    sent = [(_who(film, shot), shot) for outcome in outcomes for shot in outcome.forwarded]
    people = {who for who, _ in sent}
    firsts = [who for who, shot in sent if shot.revision == 0]
    of_tracks = {(who, shot.track_id) for who, shot in sent}
    return Done(
        detections=counting.calls,
        looks=looks,
        sent={who: max(_last_scores(who, sent)) for who in people},
        twice=sum(firsts.count(who) > 1 for who in people),
        foreign=len(of_tracks) - len({track for _, track in of_tracks}),
    )


def _last_scores(who: str, sent: Sequence[tuple[str, Shot]]) -> Sequence[float]:
    """Return the score of the last face of each of a person's tracks."""
    return list({shot.track_id: _score(shot) for one, shot in sent if one == who}.values())


def _who(film: Filmed, shot: Shot) -> str:
    if not film.truth:
        return f"track {shot.track_id}"
    return film.who(shot.assessment.frame.index, shot.assessment.face.box) or "nobody"


def _score(shot: Shot) -> float:
    assert shot.assessment.quality is not None
    return shot.assessment.quality.score


def row(name: str, frames: int, every: Sequence[Done], sparing: Sequence[Done]) -> str:
    """Return a line of the table."""
    cells: list[object] = [name, frames]
    for count in ("detections", "looks"):
        cells += [sum(getattr(one, count) for one in ways) for ways in (every, sparing)]
    cells += [sum(len(one.sent) for one in ways) for ways in (every, sparing)]
    for count in ("twice", "foreign"):
        cells.append(" / ".join(str(sum(getattr(o, count) for o in w)) for w in (every, sparing)))
    cells += [
        _mean([score for one in ways for score in one.sent.values()]) for ways in (every, sparing)
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _mean(scores: Sequence[float]) -> str:
    return f"{sum(scores) / len(scores):.1f}" if scores else "-"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[1])
    parser.add_argument("--pair", required=True, type=Path, help="folder of an engine pair")
    parser.add_argument("--detector", default="mtcnn")
    parser.add_argument("--threshold", type=float, default=GateSettings().threshold)
    parser.add_argument("--search", action="store_true", help="also seek faces sparingly")
    arguments = parser.parse_args()
    detector = open_detector(DetectorSettings(name=arguments.detector, threads=1))
    gate = GateSettings(threshold=arguments.threshold)
    sought: Looks = "sparing" if arguments.search else "every"
    tracks = (TrackSettings(looks="every"), TrackSettings(search=sought))
    ways = [CameraSettings(gate, each, "best_shot") for each in tracks]
    every, sparing, frames = [], [], 0
    show(f"{HEADER}\n{'|---' * (HEADER.count('|') - 1)}|")
    with open_pair(arguments.pair) as pair:
        for clip in clips(detector):
            one, other = (done(clip, detector, pair, way) for way in ways)
            every.append(one)
            sparing.append(other)
            frames += len(clip.frames)
            show(row(clip.name, len(clip.frames), [one], [other]))
    show(row("**all**", frames, every, sparing))


if __name__ == "__main__":
    main()
