import cv2
import numpy as np
import pytest

from edge.errors import SinkError
from edge.reports.demo_clip import (
    FRAMES_PER_SHOT,
    HEIGHT,
    SHOTS,
    WIDTH,
    clip_frames,
    shot_photographs,
    write_clip,
)


@pytest.fixture(scope="module")
def photographs():
    # Noise has detail everywhere, so that a smear must show.
    noise = np.random.default_rng(7).integers(0, 256, (1400, 1900, 3), dtype=np.uint8)
    return dict.fromkeys(shot_photographs(), noise)


@pytest.fixture(scope="module")
def frames(photographs):
    return list(clip_frames(photographs))


def shot_frames(frames, shot_index):
    return frames[shot_index * FRAMES_PER_SHOT : (shot_index + 1) * FRAMES_PER_SHOT]


def horizontal_detail(frame):
    return float(np.abs(np.diff(frame.astype(int), axis=1)).mean())


def test_the_smeared_pan_has_less_horizontal_detail_than_the_clear_one(frames):
    clear, smeared = shot_frames(frames, 0), shot_frames(frames, 1)
    assert horizontal_detail(smeared[3]) < 0.2 * horizontal_detail(clear[3])


def test_the_light_fades_to_nearly_black(frames):
    fading = shot_frames(frames, 3)
    assert fading[0].mean() > 100
    assert fading[-1].mean() < 10


def test_the_written_clip_reads_back_whole(frames, tmp_path):
    write_clip(iter(frames), tmp_path / "clip.mp4")
    capture = cv2.VideoCapture(str(tmp_path / "clip.mp4"))
    shapes = set()
    count = 0
    while True:
        more, frame = capture.read()
        if not more:
            break
        shapes.add(frame.shape)
        count += 1
    assert (count, shapes) == (len(SHOTS) * FRAMES_PER_SHOT, {(HEIGHT, WIDTH, 3)})


def test_an_interrupted_clip_leaves_no_file_under_its_name(photographs, tmp_path):
    def cut_short():
        yield next(clip_frames(photographs))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_clip(cut_short(), tmp_path / "clip.mp4")
    assert not (tmp_path / "clip.mp4").exists()


def test_a_folder_that_cannot_be_written_is_named(photographs, tmp_path):
    with pytest.raises(SinkError, match="missing"):
        write_clip(clip_frames(photographs), tmp_path / "missing" / "clip.mp4")
