from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.page.memory import MOST_ASSESSED, MOST_BOXES, MOST_LATEST, CameraMemory
from edge.page.people import MOST_PEOPLE, has_picture
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


def test_only_so_many_faces_and_people_are_remembered_the_newest(memory):
    for number in range(MOST_ASSESSED + 7):
        memory.take(observation((Face(score=number % 50, track=number),), number=number))
    assert len(memory.assessed()) == MOST_ASSESSED
    assert [face.score for face in memory.assessed()[:2]] == [7, 8]
    assert len(memory.people()) == MOST_PEOPLE
    assert memory.people()[-1].face.score == (MOST_ASSESSED + 6) % 50
    for number in range(MOST_LATEST + 1):
        memory.take(observation((Face(score=60, track=1000 + number),), number=number))
    assert len(memory.forwarded()) == MOST_LATEST


def test_somebody_who_was_missed_is_shown_once_by_the_best_face_and_the_best_comes_first(memory):
    for score in (10, 30, None, 20):
        memory.take(observation((Face(score, track=1),)))
    memory.take(observation((Face(None, track=3),)))
    memory.take(observation((Face(40, track=2),)))
    assert [one.kept.face.score for one in memory.missed()] == [40, 30, None]


def test_somebody_is_not_missed_once_a_face_was_forwarded(memory):
    memory.take(observation((Face(20, track=1),)))
    assert len(memory.missed()) == 1
    memory.take(observation((Face(80, track=1),), forwarded=False))
    assert memory.missed() == []  # it waits for the end of its track
    memory.take(observation((Face(70, track=1),)))
    assert memory.missed() == []


def test_one_thing_taken_for_many_faces_is_shown_once(memory):
    for track in range(12):
        memory.take(observation((Face(20 + track, track, seed=7),)))
    memory.take(observation((Face(10, track=50, seed=8),)))
    shown = [(one.kept.face.score, one.alike) for one in memory.missed()]
    assert shown == [(31, 11), (10, 0)]


def test_a_track_of_a_camera_opened_anew_is_somebody_else(memory):
    memory.take(observation((Face(20, track=1),)))
    memory.take(replace(observation((Face(30, track=1),)), run="another"))
    assert [kept.face.score for kept in memory.people()] == [20, 30]


def test_a_track_that_turns_out_to_be_somebody_known_is_not_missed_apart(memory):
    memory.take(observation((Face(20, track=1),)))
    memory.take(observation((Face(30, track=2),)))
    joined = observation((Face(25, track=1),))
    joined.outcome.joined[2] = 1
    memory.take(joined)
    assert [one.kept.face.score for one in memory.missed()] == [30]
    sent = observation((Face(80, track=3),))
    sent.outcome.joined[1] = 3
    memory.take(sent)
    assert memory.missed() == []


def test_no_frame_is_kept_with_a_face(memory):
    memory.take(observation((Face(20), Face(None, 2), Face(80, 3))))
    assert all(kept.shot.assessment.frame.pixels.size == 0 for kept in memory.people())


def test_faces_that_pass_are_shown_as_forwarded_only_when_they_are_sent(memory):
    memory.take(observation((Face(80),), forwarded=False))
    assert memory.forwarded() == memory.missed() == []
    memory.take(observation((Face(70),)))
    assert [kept.face.score for kept in memory.forwarded()] == [70]


def test_faces_that_were_not_decided_are_not_counted_as_assessed(memory):
    memory.take(observation((Face(None, reason=Reason.NOT_BEST), Face(None), Face(60))))
    assert [face.reason for face in memory.assessed()] == [Reason.TOO_SMALL, Reason.FORWARDED]


def test_scores_of_another_engine_pair_are_forgotten(memory):
    memory.take(observation((Face(20),)))
    memory.take(observation((Face(90, pair_id="b"),)))
    assert [face.score for face in memory.assessed()] == [90]


def test_no_picture_of_a_masked_face_is_kept(memory):
    memory.take(observation((Face(None, 1, Reason.MASKED), Face(None, 2, Reason.POSE))))
    assert [has_picture(kept) for kept in memory.people()] == [False, True]
    assert memory.people()[0].shot.assessment.face_image is None


def test_faces_are_found_until_newer_ones_take_their_place(memory):
    memory.take(observation((Face(80),)))
    number, person = memory.forwarded()[0].face.number, memory.people()[0].face.person
    assert (
        memory.sent(number).picture.shape == memory.best_of(person).picture.shape == (112, 112, 3)
    )
    for track in range(MOST_PEOPLE):
        memory.take(observation((Face(60, track=10 + track),)))
    assert memory.sent(number) is memory.best_of(person) is None


def test_where_the_eyes_are_is_told_in_fractions_of_the_frame(memory):
    memory.take(observation((Face(20),)))
    assert memory.assessed()[0].eyes == pytest.approx((22.6 / 320, 20.1 / 240))


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
    assert (bad.kind, bad.label, small.label) == ("bad", "49 low quality", "too small")


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
    assert cut_thumbnail(np.zeros((100, 100, 3), np.uint8), box).shape == (112, 112, 3)
