"""What a gate that only observes recorded gives, decided once more, what a running gate gives."""

from collections import Counter
from datetime import datetime, timezone
from typing import cast

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config.effective import CameraSettings
from edge.config.model import GateSettings
from edge.config.tracks import TrackSettings
from edge.gate.camera_gate import CameraGate
from edge.gate.decision_replay import recorded, replayed
from edge.samples import Captured, Frame, Reason
from engines.pair.pair import EnginePair
from tests.edge.canned import BrightnessPair, upright_face

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
GAP_S = 0.25

decided = st.builds(
    CameraSettings,
    st.builds(GateSettings, threshold=st.floats(0, 100)),
    st.builds(
        TrackSettings,
        at_least_one_above=st.sampled_from([0.0, 20.0, 40.0, 100.0]),
        keep=st.integers(1, 3),
        early_after=st.none() | st.just(0.2),
        upgrade_by=st.sampled_from([0, 5]),
        longest=st.sampled_from([0.4, 60]),
        at_most_every=st.sampled_from([0.1, 0.3]),
        duplicate_within=st.sampled_from([0.1, 300]),
        gap=st.just(GAP_S),
        looks=st.sampled_from(["sparing", "every"]),
    ),
    st.sampled_from(["best_shot", "every"]),
)


class Passers:
    """A detector for frames of one patch: a face where it is bright, nobody where it is black."""

    def detect(self, pixels):
        return [upright_face(90)] if pixels.any() else []


def gate_of(chosen):
    return CameraGate(Passers(), cast("EnginePair", BrightnessPair()), chosen)


def outcomes(gate, walk):
    """Yield every frame of a walk and what the gate makes of it, and of the end."""
    for step, value in enumerate(walk):
        frame = Frame(np.full((320, 300, 3), value, np.uint8), "door", step, step * 0.1)
        captured = Captured(frame, 0.0, NOON, clock_synced=True)
        yield captured, step * 0.1, gate.take(captured, step * 0.1)
    yield captured, step * 0.1, gate.finish(step * 0.1)


def told(found):
    """Return the frames and revisions of the faces sent, and why the others were not."""
    sent: list[tuple[int, int]] = []
    discarded: Counter[Reason] = Counter()
    for outcome in found:
        sent += [(one.captured.frame.index, one.revision) for one in outcome.forwarded]
        discarded += outcome.discarded
    return sent, discarded


@settings(max_examples=40)
@given(st.lists(st.sampled_from([0, 40, 120, 180, 250]), min_size=1, max_size=12), decided)
def test_a_recording_decided_again_gives_what_a_running_gate_gives(walk, chosen):
    watching = CameraSettings(GateSettings(threshold=0), TrackSettings(gap=GAP_S), "observe")
    frames = [recorded(*each) for each in outcomes(gate_of(watching), walk)]
    again = replayed(frames, chosen, chosen.gate.threshold, BrightnessPair.identity)
    assert told(again) == told(outcome for *_, outcome in outcomes(gate_of(chosen), walk))


def test_nothing_of_a_recording_holds_a_picture():
    watching = CameraSettings(GateSettings(threshold=0), TrackSettings(), "observe")
    for each in outcomes(gate_of(watching), [200]):
        frame = recorded(*each)
        assert frame.captured.frame.pixels.size == 0
        for face in frame.seen:
            assert face.assessment is not None
            assert face.assessment.face_image is None
            assert face.assessment.frame.pixels.size == 0
