import cv2
import numpy as np
import pytest

from edge.page.memory import MOST_ASSESSED, MOST_BOXES, MOST_LATEST, CameraMemory
from edge.page.picture import cut_thumbnail, live_jpeg
from edge.samples import Box, Reason
from tests.edge.clocks import Hands
from tests.edge.looked_at import Face, observation


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def memory(clock):
    return CameraMemory(lambda: clock.monotonic)


def decoded(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_only_so_many_faces_are_remembered_the_newest(memory):
    for number in range(MOST_ASSESSED + 7):
        memory.take(observation((Face(score=number % 50, track=number),), number=number))
    assert len(memory.assessed()) == MOST_ASSESSED
    assert [face.score for face in memory.assessed()[:2]] == [7, 8]
    assert len(memory.discarded()) == MOST_LATEST
    assert memory.discarded()[0].score == (MOST_ASSESSED + 6) % 50


def test_somebody_who_stays_is_shown_once_for_each_reason(memory):
    for score in (10, 20, None, 30):
        memory.take(observation((Face(score, track=1),)))
    memory.take(observation((Face(40, track=2),)))
    assert [face.score for face in memory.discarded()] == [40, 30, None]


def test_faces_that_pass_are_shown_as_forwarded_only_when_they_are_sent(memory):
    memory.take(observation((Face(80),), forwarded=False))
    assert memory.forwarded() == memory.discarded() == []
    memory.take(observation((Face(70),)))
    assert [face.score for face in memory.forwarded()] == [70]


def test_faces_that_were_not_decided_are_not_counted_as_assessed(memory):
    memory.take(observation((Face(None, reason=Reason.NOT_BEST), Face(None), Face(60))))
    assert [face.reason for face in memory.assessed()] == [Reason.TOO_SMALL, Reason.FORWARDED]


def test_scores_of_another_engine_pair_are_forgotten(memory):
    memory.take(observation((Face(20),)))
    memory.take(observation((Face(90, pair_id="b"),)))
    assert [face.score for face in memory.assessed()] == [90]


def test_no_picture_of_a_masked_face_is_kept(memory):
    memory.take(observation((Face(None, reason=Reason.MASKED), Face(None, reason=Reason.POSE))))
    assert [face.small.any() for face in memory.assessed()] == [False, True]


def test_pictures_of_faces_are_found_by_number_until_newer_ones_take_their_place(memory):
    memory.take(observation((Face(20),)))
    number = memory.assessed()[0].number
    assert memory.small(number).shape == (56, 56, 3)
    for _ in range(MOST_ASSESSED):
        memory.take(observation((Face(30),)))
    assert memory.small(number) is None


def test_no_frame_is_kept_or_encoded_while_nobody_looks(memory, clock):
    memory.take(observation())
    assert memory.live(after=0) is None  # the first question begins to watch
    memory.take(observation((Face(80),)))
    live = memory.live(after=0)
    assert live is not None
    assert memory.live(after=live.number) is None
    clock.monotonic += 6
    memory.take(observation())
    assert memory.live(after=0) is None


def test_all_who_ask_get_the_same_bytes(memory):
    memory.live(0)
    memory.take(observation())
    first, second = memory.live(0), memory.live(0)
    assert first.jpeg is second.jpeg


def test_a_live_picture_has_the_largest_faces_when_there_are_too_many(memory):
    memory.live(0)
    crowd = [Face(None, track, left=float(track)) for track in range(MOST_BOXES + 20)]
    memory.take(observation(crowd))
    assert len(memory.live(0).faces) == MOST_BOXES


def test_boxes_are_fractions_of_the_frame_and_labels_tell_score_and_reason(memory):
    memory.live(0)
    memory.take(observation((Face(49.6, left=160), Face(None))))
    bad, small = memory.live(0).faces
    assert (bad.left, bad.top, bad.right, bad.bottom) == (0.5, 0.25, 0.6875, 130 / 240)
    assert (bad.kind, bad.label, small.label) == ("bad", "50 low quality", "too small")


def test_large_frames_are_made_smaller_and_small_ones_are_not():
    assert decoded(live_jpeg(np.zeros((1080, 1920, 3), np.uint8))).shape == (540, 960, 3)
    assert decoded(live_jpeg(np.zeros((48, 64, 3), np.uint8))).shape == (48, 64, 3)


def test_a_face_at_the_border_is_not_stretched():
    pixels = np.zeros((200, 200, 3), np.uint8)
    cv2.circle(pixels, (0, 100), 30, (255, 255, 255), -1)  # half of it is outside
    small = cut_thumbnail(pixels, Box(-40, 60, 40, 140)) > 127
    height, width = np.ptp(np.nonzero(small)[0]), np.ptp(np.nonzero(small)[1])
    assert height / width == pytest.approx(2, rel=0.15)  # pixels are whole


@pytest.mark.parametrize(
    "box", [Box(float("nan"), 0, 10, 10), Box(500, 500, 600, 600), Box(5, 5, 5, 5)]
)
def test_a_box_that_is_nowhere_gives_a_picture_all_the_same(box):
    assert cut_thumbnail(np.zeros((100, 100, 3), np.uint8), box).shape == (56, 56, 3)
