from typing import cast

import cv2
import numpy as np
import pytest
from rich.progress import Progress

from edge.config.effective import CameraSettings
from edge.config.model import GateSettings
from edge.config.tracks import TrackSettings
from edge.errors import SourceError
from edge.footage.camera_run import steps
from edge.footage.faces import file_of, observe
from edge.footage.frames import frames_of
from edge.samples import Frame
from edge.sources.files import open_footage
from edge.sources.images import picture_of
from edge.sources.video import VideoFile
from edge.tuning.outcome import footage_of
from tests.edge.generated_footage import Person, Recording, gate_of
from tests.edge.recordings import SIZE, write_walk


def grey(value):
    return np.full((SIZE[1], SIZE[0], 3), value, np.uint8)


def unwanted(error):
    raise AssertionError(str(error))


def observed_of(files, **gate):
    camera = CameraSettings(GateSettings(**gate), TrackSettings(), "observe")
    frames = frames_of(cast("list[VideoFile]", files), Progress(disable=True), unwanted)
    return observe(steps(frames, gate_of(camera)))


def walk(name):
    """Two people, one after the other, at five frames a second."""
    first, second = [(Person(40), None)] * 3, [(Person(60, who=1), None)] * 3
    nobody = [(None, None)] * 7
    return Recording(name, [*first, *nobody, *second, *nobody])


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    write_walk(path, [grey(255), grey(250)], each=3)
    return path


def test_people_are_tracks_who_are_known_again_in_the_next_file_and_time_runs_on():
    observed = observed_of([walk("monday.mp4"), walk("tuesday.mp4")])
    assert [face.track for face in observed.faces] == [0, 0, 0, 1, 1, 1] * 2
    assert observed.video_s == pytest.approx(8.0)  # twice 20 frames at 5 frames a second
    assert footage_of(observed).minutes == pytest.approx(8 / 60)
    times = [face.time_s for face in observed.faces]
    assert times == sorted(times)
    assert times[-1] > 4


def test_each_face_of_a_still_image_is_its_own_track():
    people = [(Person(40), Person(50))]
    observed = observed_of([Recording(name, people, is_still=True) for name in ("a", "b")])
    assert [face.track for face in observed.faces] == [0, 1, 2, 3]
    assert footage_of(observed).minutes is None
    assert (observed.frames, observed.stills) == (2, 2)


def test_faces_that_a_pre_check_discards_are_shown_and_are_not_for_the_threshold():
    observed = observed_of([walk("monday.mp4")], min_inter_eye_distance=100)
    footage = footage_of(observed)
    assert (footage.score.size, footage.discarded_track.size) == (0, 6)
    assert observed.faces[0].score is None
    assert observed.faces[0].picture is not None


def test_what_is_remembered_to_be_decided_again_holds_no_picture():
    observed = observed_of([walk("monday.mp4")])
    (run,) = observed.runs
    kept = [face.assessment for frame in run.frames for face in frame.seen]
    assert [face.frame.pixels.size for face in kept if face is not None] == [0] * 6
    assert [face.face_image for face in kept if face is not None] == [None] * 6


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
