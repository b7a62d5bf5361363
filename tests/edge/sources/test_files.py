import os
import struct
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.stream import VideoStream

from edge.config.source import VIDEO_SUFFIXES
from edge.errors import SourceError
from edge.sources import video
from edge.sources.files import ImageFiles, listed, open_files
from edge.sources.geometry import AsSeen
from edge.sources.video import VideoFile
from tests.edge.sent_video import RATE, Sent, decoded, moving_pictures, sent_video, write_video


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


FUZZED = sorted((Path(__file__).parent / "corpus" / "recordings").iterdir())
FORMATS = {
    ".ts": "mpegts",
    ".m2ts": "mpegts",
    ".mts": "mpegts",
    ".m2t": "mpegts",
    ".dav": "mpegts",
    ".mpg": "mpeg",
    ".mpeg": "mpeg",
    ".vob": "vob",
    ".m1v": "mpeg1video",
    ".m2v": "mpeg2video",
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".f4v": "mp4",
    ".3gp": "3gp",
    ".3g2": "3g2",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
    ".flv": "flv",
    ".wmv": "asf",
    ".asf": "asf",
    ".mxf": "mxf",
    ".nut": "nut",
    ".ogv": "ogg",
    ".ivf": "ivf",
    ".gif": "gif",
    ".y4m": "yuv4mpegpipe",
    ".mjpeg": "mjpeg",
    ".mjpg": "mjpeg",
    ".dv": "dv",
    ".264": "h264",
    ".h264": "h264",
    ".265": "hevc",
    ".h265": "hevc",
    ".hevc": "hevc",
}
"""Ending: what FFmpeg calls such a file; `.dav` holds other formats too, Dahua's own is below."""

CODECS = {
    "mpegts": "mpeg2video",
    "mpeg": "mpeg1video",
    "vob": "mpeg2video",
    "webm": "libvpx",
    "mpeg1video": "mpeg1video",
    "mpeg2video": "mpeg2video",
    "flv": "flv",
    "3gp": "mpeg4",
    "asf": "msmpeg4",
    "mxf": "mpeg2video",
    "ogg": "libvpx",
    "ivf": "libvpx",
    "gif": "gif",
    "yuv4mpegpipe": "rawvideo",
    "mjpeg": "mjpeg",
    "dv": "dvvideo",
    "h264": "libx264",
    "hevc": "libx265",
    "3g2": "mpeg4",
}
"""Format: a codec it takes, where that is not MPEG-4."""


def recorded(path, form):
    """Write ten frames, each brighter than the last, as FFmpeg writes such files."""
    pixel_formats = {"gif": "rgb8", "mjpeg": "yuvj420p", "dv": "yuv420p"}
    with av.open(str(path), "w", format=form) as container:
        track = container.add_stream(CODECS.get(form, "mpeg4"), rate=25)
        assert isinstance(track, VideoStream)
        track.width, track.height = (720, 576) if form == "dv" else (352, 288)
        track.pix_fmt = pixel_formats.get(form, "yuv420p")
        for step in range(10):
            pixels = np.full((track.height, track.width, 3), 20 * step, np.uint8)
            container.mux(track.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(track.encode())


def test_every_ending_of_a_video_is_tried_below():
    assert FORMATS.keys() == VIDEO_SUFFIXES


@pytest.mark.parametrize("ending", FORMATS)
def test_a_folder_of_recordings_of_any_kind_is_read(tmp_path, ending):
    recorded(tmp_path / f"clip{ending}", FORMATS[ending])
    (video,) = open_files([tmp_path], lambda _: None)
    frames = list(video.frames())
    brightness, times = zip(*((each.pixels.mean(), each.time_s) for each in frames), strict=True)
    assert len(brightness) >= 9  # H.265 that ends without an end leaves out its last
    assert times == pytest.approx([times[0] + step / 25 for step in range(len(times))], abs=0.041)
    assert brightness[8] == pytest.approx(160, abs=12)


def dahua_frame(data, number, *, is_key):
    """Return a frame as Dahua's recorders store it, by the fields that FFmpeg reads."""
    extension = bytes([0x80, 0, 320 // 8, 240 // 8, 0x81, 0, 2, 25])  # size; H.264, 25 a second
    date = 26 << 26 | 11 << 22 | 29 << 17 | 12 << 12  # 2026-11-29 12:00:00
    length = 24 + len(extension) + len(data) + 8
    kind = 0xFD if is_key else 0xFC
    head = struct.pack(
        "<4sBBBBIIIHBB", b"DHAV", kind, 0, 0, 0, number, length, date, 40 * number, 8, 0
    )
    return head + extension + data + struct.pack("<4sI", b"dhav", length)


def test_a_recording_of_dahua_is_read(tmp_path):
    sent = sent_video(tmp_path, "h264", 20)
    stream = tmp_path / "stream.h264"
    write_video(stream, "h264", moving_pictures(20))
    with av.open(str(stream)) as file:
        packets = [packet for packet in file.demux(video=0) if packet.size]
    (tmp_path / "clip.dav").write_bytes(
        b"".join(
            dahua_frame(bytes(packet), number, is_key=packet.is_keyframe)
            for number, packet in enumerate(packets)
        )
    )
    frames = list(VideoFile(tmp_path / "clip.dav").frames())
    assert [sent.index_of(frame.pixels) for frame in frames] == list(range(20))


@pytest.mark.parametrize("ending", ["avi", "mp4", "mkv", "ts"])
def test_pictures_stored_out_of_order_are_timed_in_the_order_they_are_shown(tmp_path, ending):
    path = tmp_path / f"clip.{ending}"
    write_video(path, "h264", moving_pictures(24), preset="medium", tune="film", bf="3")
    sent, frames = Sent(path, "h264", decoded(path)), list(VideoFile(path).frames())
    times = [frame.time_s or 0.0 for frame in frames]
    assert [sent.index_of(frame.pixels) for frame in frames] == list(range(24))
    assert times == pytest.approx([times[0] + step / RATE for step in range(24)], abs=0.001)


def test_a_file_named_outright_is_what_it_holds_whatever_its_ending(tmp_path, clip, picture):
    film = clip.rename(tmp_path / "recording.20261129")
    photograph = picture.rename(tmp_path / "photograph")
    other = tmp_path / "notes.txt"
    other.write_text("neither")
    assert listed([film, photograph, other]) == ((photograph, other), (film,))


def bytes_exchanged(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


def test_a_recording_whose_title_is_not_utf_8_is_read(tmp_path):
    film = tmp_path / "clip.mkv"
    recorded(film, "matroska")
    bytes_exchanged(film, b"Lavf", b"\xe9\xe8\xff\x80")  # the name of what wrote it
    assert len(list(VideoFile(film).frames())) == 10


def test_a_recording_of_an_unknown_codec_is_an_error_that_names_it(tmp_path):
    film = tmp_path / "clip.mkv"
    recorded(film, "matroska")
    bytes_exchanged(film, b"V_MPEG4/ISO/ASP", b"V_XXXX4/ISO/ASP")
    with pytest.raises(SourceError, match=r"clip\.mkv: .* no video of a codec that is known"):
        list(VideoFile(film).frames())
    assert VideoFile(film).frame_count() is None


@pytest.mark.parametrize("path", FUZZED, ids=lambda path: path.name)
def test_what_fuzzing_found_is_read_or_an_error_that_names_the_file(path):
    assert VideoFile(path).frame_count() in {None, 6}
    try:
        count = len(list(VideoFile(path).frames()))
    except SourceError as error:
        count = 0
        assert path.name in str(error)  # noqa: PT017 -- some are read
    assert (count > 0) == path.name.startswith("title")


def test_whatever_a_decoder_raises_in_the_middle_is_told_after_what_was_read(clip, monkeypatch):
    class Failing(AsSeen):
        def whole(self, frame):
            if frame is not None and frame.pts > 3:
                raise MemoryError
            return super().whole(frame)

    monkeypatch.setattr(video, "AsSeen", Failing)
    told: list[SourceError] = []
    assert len(list(VideoFile(clip, damaged=told.append).frames())) in {1, 4}
    assert "clip.mp4: cannot be read after" in str(told[0])
    assert "more memory" in str(told[0])


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
    assert [str(error) for error in told] == [f"{video.path}: 7 damaged pictures left out"]


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
