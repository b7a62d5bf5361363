"""What one command promises of footage is what another does with it."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import cast

from hypothesis import given, settings
from rich.progress import Progress

from edge.config.effective import observing
from edge.config.model import GateSettings, Source
from edge.config.uri import parse_uri
from edge.footage.camera_run import steps
from edge.footage.faces import observe
from edge.footage.frames import frames_of
from edge.footage.rerun import rerun
from edge.gate.batch import score_pending
from edge.gate.best_shot import Shot
from edge.gate.decision_replay import replayed
from edge.pipeline.forwarding import Forwarded as Became
from edge.pipeline.forwarding import Forwarding
from edge.pipeline.stream import Stream
from edge.samples import Captured
from edge.sources.live import LiveSource
from edge.sources.video import VideoFile
from tests.edge.generated_footage import ColourPair, cameras, footage, gate_of

BARS = Progress(disable=True)


def unwanted(error):
    raise AssertionError(str(error))


def frames(files):
    return frames_of(cast("list[VideoFile]", files), BARS, unwanted)


def names(shots):
    """Return which faces were forwarded, in their order."""
    return [
        (one.assessment.frame.source, one.assessment.frame.index, one.track_id, one.revision)
        for one in shots
    ]


def run(files, camera):
    taken = steps(frames(files), gate_of(camera))
    return [shot for step in taken for shot in step.outcome.forwarded]


@dataclass
class Forwarded:
    """Takes what a stream forwards."""

    shots: list[Shot] = field(default_factory=list)

    def forward(self, shot, _origin, counts):
        counts.forwarded += 1
        self.shots.append(shot)
        return Became("key", "a sink")


def run_as_a_service(files, camera):
    """Take the same files through the stream of a daemon."""
    source = Source(name="door", uri=parse_uri("file:///door.mp4"))
    silent = SimpleNamespace(status=lambda: SimpleNamespace(frames=0, dropped=0))
    live = cast("LiveSource", silent)
    stream = Stream(source, live, gate_of(camera), lambda _: None)
    taken = Forwarded()
    forwarding = cast("Forwarding", taken)
    for frame in frames(files):
        captured = Captured(frame, 0.0, datetime.now(timezone.utc), clock_synced=False)
        pending = stream.begin(captured, 0.0, forwarding)
        assert pending is not None
        (scored,) = score_pending([pending])
        stream.conclude(pending, scored, forwarding)
    stream.finish(forwarding)
    return taken.shots


def promised(files, camera):
    """Look at the footage once, scoring every face, and only then decide by the camera."""
    watching = replace(observing(camera), gate=GateSettings(threshold=11))
    (seen,) = observe(steps(frames(files), gate_of(watching))).runs
    limit = camera.gate.threshold
    again = replayed(seen.frames, camera, limit, ColourPair.identity)
    return [shot for outcome in again for shot in outcome.forwarded]


@settings(max_examples=150, deadline=None)
@given(footage(), cameras)
def test_what_is_promised_of_recorded_scores_is_what_a_run_forwards(files, camera):
    assert names(promised(files, camera)) == names(run(files, camera))


@settings(max_examples=50, deadline=None)
@given(footage(), cameras)
def test_a_service_forwards_of_files_what_a_run_to_their_end_does(files, camera):
    assert names(run_as_a_service(files, camera)) == names(run(files, camera))


@settings(max_examples=50, deadline=None)
@given(footage(), cameras)
def test_a_replay_forwards_what_a_run_does(files, camera):
    done = rerun(cast("list[VideoFile]", files), gate_of(camera), BARS, unwanted)
    told = [(one.frame.source, one.frame.index, one.track, one.revision) for one in done.sent]
    assert Counter(told) == Counter(names(run(files, camera)))
