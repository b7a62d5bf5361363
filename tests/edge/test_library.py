"""`from edge import Gate`: pictures that a program already has."""

import cv2
import numpy as np
import pytest

from edge import (
    ConfigError,
    Gate,
    GateSettings,
    ImageError,
    Reason,
    SourceError,
    UsageError,
    face_record,
    library,
)
from tests.edge.canned import CannedDetector, frame_of, upright_face
from tests.pairs import tiny_pair

CONFIG = """\
pair: pair
sources:
  - {name: door, uri: photographs, gate: {threshold: 0}}
  - {name: yard, uri: photographs, masks: ["0,0 1,0 1,1 0,1"]}
sinks: [{type: directory, path: faces}]
gate: {threshold: 100}
"""
IMAGE = np.random.default_rng(0).integers(0, 256, (320, 600, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gate")
    tiny_pair(folder)
    (folder / "gate.yaml").write_text(CONFIG)
    (folder / "photographs").mkdir()
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / "photographs" / name), IMAGE)
    return folder


@pytest.fixture
def opened(folder, monkeypatch):
    """What opens the gate of a camera; its detector always finds two faces."""
    faces = [upright_face(80), upright_face(380)]
    monkeypatch.setattr(library, "open_configured", lambda _: CannedDetector(faces))
    return lambda source=None: Gate.open(str(folder / "gate.yaml"), source)


def reasons(faces):
    return [face.verdict.reason for face in faces]


def test_each_face_of_an_array_is_assessed_from_left_to_right(opened):
    with opened("door") as gate:
        left, right = gate.assess(IMAGE)
    assert left.face.box.left < right.face.box.left
    assert left.quality is not None
    assert left.pair_id == gate.pair.pair_id
    assert face_record(left).source == "image"


def test_thresholds_and_masks_are_those_in_effect_for_the_camera(opened):
    assert reasons(opened("door").assess(IMAGE)) == [Reason.FORWARDED] * 2
    assert reasons(opened().assess(IMAGE)) == [Reason.LOW_QUALITY] * 2  # of all cameras
    masked = opened("yard").assess(IMAGE, score_discarded=True)
    assert reasons(masked) == [Reason.MASKED] * 2
    assert masked[0].quality is not None


def test_a_file_gives_what_its_pixels_give(opened, folder):
    with opened() as gate:
        path = folder / "photographs" / "a.png"
        (first, *_), (again, *_) = gate.assess(path), gate.assess(IMAGE)
    assert first.quality == again.quality
    assert first.frame.source == str(path)


def test_a_folder_is_taken_to_its_end_and_what_cannot_be_read_is_told(opened, folder, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    problems = list[ImageError]()
    with opened() as gate:
        faces = [*gate.assess_files([folder / "photographs", str(tmp_path)], problems.append)]
        assert [face.frame.index for face in faces] == [0, 0, 1, 1]
        assert [type(problem) for problem in problems] == [ImageError]
        with pytest.raises(ImageError, match=r"broken\.png"):
            [*gate.assess_files([tmp_path])]


def test_a_video_that_cannot_be_read_is_told_and_what_follows_is_taken(opened, folder, tmp_path):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"no video")
    problems = list[SourceError]()
    with opened() as gate:
        faces = [*gate.assess_files([folder / "photographs", tmp_path], problems.append)]
        assert len(faces) == 4
        assert [str(each).partition(": ")[0] for each in problems] == [
            f"{tmp_path}/a.mp4",
            f"{tmp_path}/b.mp4",
        ]
        with pytest.raises(SourceError, match=r"a\.mp4"):
            [*gate.assess_files([tmp_path])]


def test_one_path_alone_is_one_path_and_not_its_letters(opened, folder):
    with opened() as gate:
        assert len([*gate.assess_files(str(folder / "photographs"))]) == 4


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((20, 20), np.uint8), r"\(height, width, 3\) .* not \(20, 20\)"),
        (np.zeros((20, 20, 4), np.uint8), r"not \(20, 20, 4\)"),
        (np.zeros((0, 20, 3), np.uint8), r"not \(0, 20, 3\)"),
        (np.zeros((20, 20, 3), np.float32), "array of uint8, 0 to 255, not float32"),
        (None, "not NoneType"),  # what cv2.imread gives for a file that is missing
    ],
)
def test_what_is_no_picture_is_refused_with_what_it_is(opened, image, message):
    with pytest.raises(ValueError, match=message):
        opened().assess(image)


def test_a_camera_or_file_that_is_not_there_is_named(opened, tmp_path):
    with pytest.raises(UsageError, match=r"'attic'.*door, yard"):
        opened("attic")
    with pytest.raises(ConfigError, match=r"missing\.yaml"):
        Gate.open(tmp_path / "missing.yaml")


def test_a_gate_is_put_together_from_parts_of_ones_own(opened):
    pair = opened().pair
    gate = Gate(CannedDetector([upright_face(80)]), pair, GateSettings(threshold=0))
    assert reasons(gate.assess(frame_of(IMAGE).pixels)) == [Reason.FORWARDED]
