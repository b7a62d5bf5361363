"""
How much a gate that looks sparingly saves, and what is lost by it: every clip and scene both ways.

    python -m tests.bench.looks --pair pairs/mobilefacenet512 [--detector yunet] [--threshold 30]
    python -m tests.bench.looks --pair pairs/mobilefacenet512 --begin 2 --mirrored --search every

Needs `GATE_DATA`, or ../shared/data. Each clip goes through a gate that observes, once with
`tracks.looks: every` and `tracks.search: every`, and once with `looks: sparing` and the search that
`--search` names; both are then decided by mode `best_shot`, which is what `run` does with the same
footage (`tests/edge/footage/test_camera_run.py`). The best of a hundred faces is a matter of luck,
as landmarks are placed a little differently in each frame: clips that begin later, or are mirrored,
tell how much.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np

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

    def smallest_sought(self) -> int:
        assert isinstance(self.detector, LocalFaceDetector)
        return self.detector.smallest_sought()


@dataclass(frozen=True, eq=False)
class Clip:
    """Footage, with who is to be seen in it where that is known."""

    name: str
    frames: Sequence[Frame]
    people: frozenset[str] = frozenset()
    truth: Sequence[tuple[Shown, ...]] = ()
    """By the index of a frame."""


def begun_at(first: int, clip: Clip) -> Clip:
    """Return a clip without its first frames; the others keep their index, as the truth does."""
    return replace(clip, frames=clip.frames[first:])


def mirrored(clip: Clip) -> Clip:
    """Return a clip as a mirror shows it."""
    frames = [
        replace(frame, pixels=np.ascontiguousarray(frame.pixels[:, ::-1])) for frame in clip.frames
    ]
    width = frames[0].pixels.shape[1]

    def shown(one: Shown) -> Shown:
        box = replace(one.box, left=width - one.box.right, right=width - one.box.left)
        return replace(one, box=box)

    truth = [tuple(map(shown, each)) for each in clip.truth]
    return replace(clip, frames=frames, truth=truth)


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
    parser.add_argument("--search", choices=("sparing", "every"), default="sparing")
    parser.add_argument("--begin", type=int, default=0, help="frames of each clip to leave out")
    parser.add_argument("--mirrored", action="store_true", help="exchange left and right")
    arguments = parser.parse_args()
    detector = open_detector(DetectorSettings(name=arguments.detector, threads=1))
    gate = GateSettings(threshold=arguments.threshold)
    tracks = (
        TrackSettings(looks="every", search="every"),
        TrackSettings(search=cast("Looks", arguments.search)),
    )
    ways = [CameraSettings(gate, each, "best_shot") for each in tracks]
    every, sparing, frames = [], [], 0
    show(f"{HEADER}\n{'|---' * (HEADER.count('|') - 1)}|")
    with open_pair(arguments.pair) as pair:
        for whole in clips(detector):
            clip = begun_at(arguments.begin, mirrored(whole) if arguments.mirrored else whole)
            one, other = (done(clip, detector, pair, way) for way in ways)
            every.append(one)
            sparing.append(other)
            frames += len(clip.frames)
            show(row(clip.name, len(clip.frames), [one], [other]))
    show(row("**all**", frames, every, sparing))


if __name__ == "__main__":
    main()
