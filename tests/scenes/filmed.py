"""A scene as a gate sees it: every face found, followed and scored, with who it truly is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge.config.effective import CameraSettings
from edge.config.model import GateSettings
from edge.config.tracks import TrackSettings
from edge.footage.camera_run import steps
from edge.gate.camera_gate import CameraGate
from edge.gate.decision_replay import RecordedFrame, recorded
from edge.protocols import FaceDetector
from edge.samples import Box, Frame, iou
from engines.biometrics.identity_scale import IdentityScale
from engines.pair.pair import EnginePair
from tests.scenes.stage import FPS, Shown, StageFrame

LEAST_OVERLAP = 0.3
"""Intersection over union of a face found and a true one from which on they are the same."""


class Script(Protocol):
    """What can be filmed."""

    @property
    def name(self) -> str: ...

    @property
    def people(self) -> frozenset[str]: ...

    def frames(self) -> Iterator[StageFrame]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Filmed:
    """What the networks said of a scene, and the truth."""

    name: str
    people: frozenset[str]
    recorded: Sequence[RecordedFrame]
    truth: Sequence[tuple[Shown, ...]]
    """Of each frame in which faces were sought; nothing of the others."""
    scale: IdentityScale

    def who(self, index: int, box: Box) -> str | None:
        """Return who is seen at a place of a frame; None where nobody is."""
        near = max(self.truth[index], key=lambda shown: iou(shown.box, box), default=None)
        return near.who if near and iou(near.box, box) >= LEAST_OVERLAP else None


def film(
    script: Script,
    detector: FaceDetector,
    pair: EnginePair,
    tracks: TrackSettings = TrackSettings(),  # noqa: B008 -- frozen
) -> Filmed:
    """Take a scene through a gate that observes."""
    settings = CameraSettings(GateSettings(), tracks, "observe")
    drawn = list(script.frames())
    frames = (
        Frame(each.pixels, script.name, index, index / FPS) for index, each in enumerate(drawn)
    )
    seen = list(frames_seen(frames, CameraGate(detector, pair, settings)))
    sought = {one.captured.frame.index for one in seen}
    truth = [each.shown if index in sought else () for index, each in enumerate(drawn)]
    return Filmed(script.name, script.people, seen, truth, pair.identity)


def frames_seen(frames: Iterable[Frame], gate: CameraGate) -> Iterator[RecordedFrame]:
    """Yield what a gate sees in footage, of the frames in which it seeks faces."""
    newest = None
    for step in steps(frames, gate):
        newest = step.captured or newest
        if newest is not None and step.outcome.search != "none":
            yield recorded(newest, step.seen_s, step.outcome)
