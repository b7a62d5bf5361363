"""
How long each stage of a frame takes in what `run` does with a video.

The same functions in the same order, timed at their seams: reading and conversion in the file's
source, detector and engine pair where the gate calls them, all else by the gate itself. Time is
that of the processor, for other programs must not count.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from rich.progress import Progress

from edge.config.effective import in_effect
from edge.config.model import Config
from edge.config.source import Geometry
from edge.delivery.encode import to_delivery
from edge.errors import EdgeError, SourceError
from edge.footage.camera_run import steps
from edge.footage.frames import frames_of
from edge.gate.best_shot import Shot
from edge.gate.camera_gate import CameraGate
from edge.gate.observation import Observation
from edge.pipeline.open_networks import Networks
from edge.protocols import FaceDetector, LocalFaceDetector
from edge.samples import Box, DetectedFace, Frame, Pixels
from edge.service.run_files import counted
from edge.sources.video import VideoFile
from engines.pair.pair import EnginePair, Scored
from engines.quality.specification import FaceImages

STAGES = ("decode", "convert", "detect", "align", "embed", "track", "decide", "encode")
"""Reading belongs to `decode`, the pre-checks of faces to `decide`."""
NEEDED = ("decode", "detect", "embed")
"""What no gate can do without; the whole divided by them is its own price."""

PRICED = 200
"""Readings of the clock by which its price is known."""


class Clock:
    """Processor time in seconds, without what it costs to ask for it: some microseconds each."""

    def __init__(self, seconds: Callable[[], float] = time.process_time) -> None:
        self._seconds, self._asked = seconds, 0
        self._price_s = min(_price(seconds) for _ in range(5))

    def __call__(self) -> float:
        """Read it."""
        self._asked += 1
        return self._seconds() - self._asked * self._price_s


def _price(seconds: Callable[[], float]) -> float:
    """Return what a clock takes to be read, by its own account."""
    began_s = seconds()
    for _ in range(PRICED):
        seconds()
    return (seconds() - began_s) / (PRICED + 1)


@dataclass(slots=True)
class Pass:
    """One way of a video through the gate."""

    frames: int = 0
    faces: int = 0
    scored: int = 0
    forwarded: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """By stage, and `whole`."""
    clock: Clock = field(default_factory=Clock)

    def took(self, stage: str, seconds: float) -> None:
        """Add to a stage."""
        self.seconds[stage] += seconds

    def watched(self, stage: str) -> "_Watch":
        """Return what adds the time of a block to a stage."""
        return _Watch(self.clock, self.seconds, stage)


class _Watch:
    """Costs less than what a generator makes: it is part of what is timed."""

    __slots__ = ("_begin_s", "_clock", "_seconds", "_stage")

    def __init__(self, clock: Clock, seconds: dict[str, float], stage: str) -> None:
        self._clock, self._seconds, self._stage, self._begin_s = clock, seconds, stage, 0.0

    def __enter__(self) -> None:
        self._begin_s = self._clock()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._stage] += self._clock() - self._begin_s


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Medians over the passes."""

    frames: int
    faces: int
    scored: int
    forwarded: int
    milliseconds: dict[str, float]
    """Of a frame, by stage; `other` is what is left of `whole`."""
    ratio: float
    """The whole over decode + detect + embed; median of the ratios within the passes."""


def stage_times(passes: Sequence[Pass]) -> StageTimes:
    """Return the medians of several passes of one video, which has at least one frame."""
    newest = passes[-1]

    def median(of: Callable[[Mapping[str, float]], float]) -> float:
        return float(np.median([of(each.seconds) for each in passes]))

    def milliseconds(stage: str) -> float:
        return 1000 * median(lambda seconds: seconds[stage]) / newest.frames

    by_stage = {stage: milliseconds(stage) for stage in (*STAGES, "whole")}
    by_stage["other"] = by_stage["whole"] - sum(by_stage[stage] for stage in STAGES)
    ratio = median(lambda taken: taken["whole"] / sum(taken[stage] for stage in NEEDED))
    return StageTimes(newest.frames, newest.faces, newest.scored, newest.forwarded, by_stage, ratio)


def timed_pass(
    path: Path,
    networks: Networks,
    config: Config,
    bars: Progress,
    report: Callable[[EdgeError], None],
) -> Pass:
    """
    Take a video through a fresh gate once.

    Args:
        path: The video.
        networks: Open.
        config: Its first source says what is in effect; its sinks receive nothing.
        bars: A running progress display, as `run` has one.
        report: Called when the video cannot be read to its end.

    Raises:
        DetectorError: The detector refused a frame.
        BackendError: The inference library refused a batch.
    """
    done, source = Pass(), config.sources[0]
    detector = _timed(networks.detector, done)
    pair = cast("EnginePair", _TimedPair(networks.pair, done))
    gate = CameraGate(detector, pair, in_effect(config, source).faces, done.clock)
    video = _TimedVideo(done, path, source.geometry, report)
    with done.watched("whole"):
        way = steps(frames_of([video], bars, report), gate)
        counted(source.name, way, partial(_encode, done, config), partial(_note, done))
    # Seen from outside, reading holds conversion, and detection the pre-checks.
    done.took("decode", -done.seconds["convert"])
    done.took("decide", -done.seconds["detect"])
    return done


def _encode(done: Pass, config: Config, shot: Shot) -> None:
    with done.watched("encode"):
        to_delivery(shot.assessment, media_type=config.delivery.face_image)
    done.forwarded += 1


def _note(done: Pass, observation: Observation) -> None:
    """Add what the gate itself says of one frame."""
    outcome = observation.outcome
    done.frames += observation.captured is not None
    done.faces += len(outcome.seen)
    for face in outcome.seen:
        done.scored += face.assessment is not None and face.assessment.quality is not None
    for stage, seconds in outcome.seconds.items():
        done.took("decide" if stage == "detect" else stage, seconds)


@dataclass(frozen=True, slots=True)
class _TimedDetector:
    """A detector with a watch."""

    detector: FaceDetector
    done: Pass

    def detect(self, pixels: Pixels) -> Sequence[DetectedFace]:
        with self.done.watched("detect"):
            return self.detector.detect(pixels)


@dataclass(frozen=True, slots=True)
class _TimedLocalDetector(_TimedDetector):
    """The same of one that can look at a part of a frame, as the gate lets it."""

    detector: LocalFaceDetector

    def detect_near(self, pixels: Pixels, box: Box) -> Sequence[DetectedFace]:
        with self.done.watched("detect"):
            return self.detector.detect_near(pixels, box)

    def smallest_sought(self) -> int:
        return self.detector.smallest_sought()


def _timed(detector: FaceDetector, done: Pass) -> FaceDetector:
    if isinstance(detector, LocalFaceDetector):
        return _TimedLocalDetector(detector, done)
    return _TimedDetector(detector, done)


@dataclass(frozen=True, slots=True)
class _TimedPair:
    """An engine pair with a watch."""

    pair: EnginePair
    done: Pass

    def __getattr__(self, name: str) -> object:
        return getattr(self.pair, name)

    def assess(self, face_images: FaceImages) -> Scored:
        with self.done.watched("embed"):
            return self.pair.assess(face_images)


class _TimedVideo(VideoFile):
    """A video with a watch, which stands while a frame is in the gate's hands."""

    def __init__(
        self,
        done: Pass,
        path: Path,
        geometry: Geometry,
        damaged: Callable[[SourceError], None],
    ) -> None:
        super().__init__(path, 1, geometry, damaged)
        self.converting = partial(done.watched, "convert")
        self._done = done

    def frame_count(self) -> int | None:
        with self._done.watched("decode"):
            return super().frame_count()

    def frames(self) -> Iterator[Frame]:
        frames = super().frames()
        while (frame := self._next(frames)) is not None:
            yield frame

    def _next(self, frames: Iterator[Frame]) -> Frame | None:
        with self._done.watched("decode"):
            return next(frames, None)
