import time
from datetime import datetime, timezone
from typing import cast

import numpy as np
import pytest

from edge.gate.batch import Pending, score_pending
from edge.gate.outcome import Outcome
from edge.samples import Captured
from engines.errors import BackendError
from engines.pair.pair import EnginePair
from tests.edge.canned import BrightnessPair, frame_of

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


class FragilePair(BrightnessPair):
    """Its inference library refuses every batch that holds a white face image."""

    def assess(self, face_images):
        if (face_images == 255).all(axis=(1, 2, 3)).any():
            raise BackendError("the accelerator is gone")
        return super().assess(face_images)


def grey(value):
    return None if value is None else np.full((112, 112, 3), value, np.uint8)


def pending(*brightness, pair):
    """A frame whose faces to be decided have these images; None: its landmarks span no face."""
    captured = Captured(frame_of(grey(0)), 0.0, NOON, clock_synced=True)
    images = {place: grey(value) for place, value in enumerate(brightness)}
    return Pending(captured, 0.0, (), images, Outcome(), cast("EnginePair", pair))


def scores(scored):
    return [None if face is None else round(face.quality.score) for face in scored.faces]


def test_each_frame_gets_the_scores_of_its_own_faces_from_one_batch():
    pair = BrightnessPair()
    frames = [pending(51, None, pair=pair), pending(pair=pair), pending(102, 204, pair=pair)]
    assert [scores(one) for one in score_pending(frames)] == [[20, None], [], [40, 80]]
    assert pair.batches == [3]
    assert [one.faces_to_score for one in frames] == [1, 0, 2]


def test_a_refused_batch_is_tried_frame_by_frame_and_only_the_refused_frame_fails():
    pair = FragilePair()
    fine, refused = score_pending([pending(51, pair=pair), pending(255, None, pair=pair)])
    assert (scores(fine), fine.failure) == ([20], None)
    assert (scores(refused), str(refused.failure)) == ([None, None], "the accelerator is gone")
    assert refused.seconds == 0


def test_the_time_of_a_batch_is_shared_by_the_number_of_faces_scored():
    pair = BrightnessPair()
    begin_s = time.perf_counter()
    one, none, two = score_pending(
        [pending(51, pair=pair), pending(None, pair=pair), pending(51, 51, pair=pair)]
    )
    whole_s = time.perf_counter() - begin_s
    assert none.seconds == 0
    assert two.seconds == pytest.approx(2 * one.seconds)
    assert 0 < one.seconds + two.seconds <= whole_s


def test_frames_without_a_face_to_score_take_no_time_and_no_batch():
    pair = BrightnessPair()
    (scored,) = score_pending([pending(None, pair=pair)])
    assert (scores(scored), scored.seconds, pair.batches) == ([None], 0, [])
