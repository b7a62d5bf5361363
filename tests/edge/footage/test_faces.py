from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.console import console, progress
from edge.errors import SourceError
from edge.footage.faces import file_of, observe
from edge.samples import Box, Frame, Reason, Verdict
from edge.sources.files import open_footage
from edge.sources.images import picture_of
from edge.tuning.outcome import footage_of
from tests.edge.assessments import Given, assessment
from tests.edge.recordings import SIZE, write_walk


def grey(value):
    return np.full((SIZE[1], SIZE[0], 3), value, np.uint8)


def seen(frame, left=10.0, reason=Reason.LOW_QUALITY):
    face = assessment(Given(source=frame.source, time_s=frame.time_s))
    box = Box(left, 10, left + 30, 40)
    return replace(
        face, frame=frame, face=replace(face.face, box=box), verdict=Verdict(False, reason)
    )


def unwanted(error):
    raise AssertionError(str(error))


def observed_of(paths, assess):
    bars = progress(console())
    return observe(open_footage(paths, unwanted), assess, bars, unwanted)


def faces_where_bright(frame):
    return (seen(frame),) if frame.pixels.mean() > 160 else ()


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    write_walk(path, [grey(255), grey(250)], each=3)
    return path


def test_people_who_come_after_one_another_are_tracks_and_time_runs_on_over_files(clip, tmp_path):
    again = tmp_path / "later.mp4"
    again.write_bytes(clip.read_bytes())
    observed = observed_of([clip, again], faces_where_bright)
    tracks = [face.track for face in observed.faces]
    assert tracks == sorted(tracks)
    assert set(tracks) == {0, 1, 2, 3}
    assert observed.video_s == pytest.approx(8.0)  # twice 20 frames at 5 frames a second
    assert footage_of(observed).minutes == pytest.approx(8 / 60)
    times = [face.time_s for face in observed.faces]
    assert times == sorted(times)
    assert times[-1] > 4


def test_each_face_of_a_still_image_is_its_own_track(tmp_path):
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), grey(200))
    observed = observed_of([tmp_path], lambda frame: (seen(frame), seen(frame, 200)))
    assert [face.track for face in observed.faces] == [0, 1, 2, 3]
    assert footage_of(observed).minutes is None


def test_faces_that_a_pre_check_discards_are_scored_for_the_eye_but_not_for_the_threshold(clip):
    observed = observed_of([clip], lambda frame: (seen(frame, reason=Reason.POSE),))
    footage = footage_of(observed)
    assert (footage.score.size, footage.discarded_track.size) == (0, 20)
    assert observed.faces[0].score is not None


def test_a_folder_gives_its_images_and_then_its_videos(clip, tmp_path):
    cv2.imwrite(str(tmp_path / "z.png"), grey(200))
    names = [source.name for source in open_footage([tmp_path], unwanted)]
    assert names == ["1 image", clip.name]


def test_a_folder_without_footage_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to see")
    with pytest.raises(SourceError, match="no image or video below"):
        open_footage([tmp_path], unwanted)


def test_a_large_face_image_is_kept_small():
    picture = picture_of(np.zeros((224, 160, 3), np.uint8))
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    assert pixels.shape == (112, 80, 3)


def test_a_long_name_is_shortened_in_its_middle():
    frame = Frame(grey(0), "folder/a-very-long-name-of-a-clip.mp4", 0, None)
    assert file_of(frame) == "a-very-lo…ip.mp4"
