import os

import av
import cv2
import numpy as np
import pytest

from edge.errors import SourceError
from edge.sources.files import ImageFiles, open_files
from edge.sources.video import VideoFile
from tests.edge.sent_video import sent_video


@pytest.fixture
def clip(tmp_path):
    """Ten frames at ten a second, each 20 grey levels brighter than the last."""
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for step in range(10):
        writer.write(np.full((48, 64, 3), 20 * step, np.uint8))
    writer.release()
    return path


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((30, 40, 3), 7, np.uint8))
    return path


def test_a_video_yields_every_frame_in_order_with_its_time(clip):
    frames = list(VideoFile(clip).frames())
    assert [frame.index for frame in frames] == list(range(10))
    assert [frame.time_s for frame in frames] == pytest.approx([i / 10 for i in range(10)])
    assert frames[9].pixels.mean() == pytest.approx(180, abs=8)  # lossy codec


def test_every_third_frame_keeps_its_own_index_and_time(clip):
    frames = list(VideoFile(clip, every=3).frames())
    assert [frame.index for frame in frames] == [0, 3, 6, 9]
    assert VideoFile(clip, every=3).frame_count() == 4


def test_a_video_that_is_none_or_missing_is_an_error(tmp_path):
    fake = tmp_path / "fake.mp4"
    fake.write_bytes(b"no video" * 50)
    with pytest.raises(SourceError, match=r"fake\.mp4: no frame could be read"):
        list(VideoFile(fake).frames())
    with pytest.raises(SourceError, match="no such video file"):
        list(VideoFile(tmp_path / "gone.mp4").frames())


def test_a_video_whose_name_is_not_utf_8_is_read(clip):
    odd = clip.rename(clip.with_name(os.fsdecode(b"caf\xe9.mp4")))
    assert VideoFile(odd).frame_count() == 10
    assert len(list(VideoFile(odd).frames())) == 10


def test_damaged_pictures_of_a_video_are_left_out_and_told(tmp_path):
    video = sent_video(tmp_path, "h264", 36, **{"x264-params": "threads=1"})
    data = bytearray(video.path.read_bytes())
    with av.open(str(video.path)) as container:
        at, size = next(
            (packet.pos, packet.size)
            for number, packet in enumerate(container.demux(video=0))
            if number == 17
        )
    assert at is not None
    data[at + 100 : at + size] = bytes(size - 100)
    video.path.write_bytes(bytes(data))
    told: list[SourceError] = []
    frames = list(VideoFile(video.path, damaged=told.append).frames())
    indices = [video.index_of(frame.pixels) for frame in frames]
    assert indices == [*range(17), *range(24, 36)]
    assert [str(error) for error in told] == [f"{video.path}: 7 pictures are damaged and left out"]


def test_an_unreadable_image_is_reported_and_the_run_goes_on(tmp_path, picture):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG")
    reported: list[SourceError] = []
    frames = list(ImageFiles([broken, picture], reported.append).frames())
    assert [frame.source for frame in frames] == [str(picture)]
    assert "broken.png" in str(reported[0])


def test_folders_give_images_and_named_videos_come_after(picture, clip):
    images, video = open_files([clip, picture], lambda _: None)
    assert [frame.source for frame in images.frames()] == [str(picture)]
    assert next(iter(video.frames())).source == str(clip)


def test_a_missing_path_is_reported_in_its_turn(tmp_path, picture):
    reported: list[SourceError] = []
    (images,) = open_files([tmp_path / "gone", picture], reported.append)
    assert [frame.source for frame in images.frames()] == [str(picture)]
    assert "gone: no such file" in str(reported[0])


def test_a_folder_gives_its_images_and_then_its_videos(picture, clip):
    images, video = open_files([clip.parent], lambda _: None)
    assert [frame.source for frame in images.frames()] == [str(picture)]
    assert next(iter(video.frames())).source == str(clip)


def test_a_folder_without_images_stops_the_run_before_it_starts(tmp_path):
    with pytest.raises(SourceError, match="no image or video below"):
        open_files([tmp_path], lambda _: None)
