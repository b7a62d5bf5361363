"""Pictures that no other one refers to, held against what FFmpeg decodes of real streams."""

import av
import pytest

from edge.sources.decoding import references
from edge.sources.decoding.references import Unreferred, heads, length_bytes
from edge.sources.video import VideoFile
from tests.edge.sent_video import moving_pictures, write_video

COUNT = 60
REORDERED = {
    "h264": {"tune": "", "bf": "3", "x264-params": "b-adapt=0:b-pyramid=normal:ref=3:scenecut=0"},
    "hevc": {"tune": "psnr", "preset": "fast", "x265-params": "bframes=3:b-adapt=0:log-level=none"},
}
"""Encoders with pictures that refer to later ones, of which half are referred to by none."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Return the path of a recording, by codec and ending."""

    def made(codec, ending):
        path = tmp_path_factory.mktemp("video") / f"{codec}.{ending}"
        write_video(path, codec, moving_pictures(COUNT, 160, 120), 0, **REORDERED[codec])
        return path

    return made


FORMS = [("h264", "mp4"), ("h264", "ts"), ("hevc", "mp4"), ("hevc", "ts")]
"""With lengths before the units, and with start codes."""


@pytest.mark.parametrize(("codec", "ending"), FORMS)
def test_all_other_pictures_are_the_same_without_those_that_none_refers_to(
    recording, codec, ending
):
    path = recording(codec, ending)
    with av.open(str(path)) as file:
        every = {frame.pts: frame.to_ndarray().tobytes() for frame in file.decode(video=0)}
    with av.open(str(path)) as file:
        track = file.streams.video[0]
        unreferred = Unreferred(codec, length_bytes(track))
        left = {
            frame.pts: frame.to_ndarray().tobytes()
            for packet in file.demux(track)
            if not unreferred.holds(bytes(packet))
            for frame in packet.decode()
        }
    assert COUNT / 3 < len(left) < 2 * COUNT / 3
    assert left == {pts: every[pts] for pts in left}


@pytest.mark.parametrize("every", [2, 3, 5])
@pytest.mark.parametrize(("codec", "ending"), FORMS)
def test_each_nth_picture_is_the_same_as_if_all_were_decoded(
    recording, monkeypatch, codec, ending, every
):
    path = recording(codec, ending)
    passed = []

    class Noted(references.EachNth):
        def passes(self, data, time_s, *, is_whole):
            passed.append(super().passes(data, time_s, is_whole=is_whole))
            return passed[-1]

    monkeypatch.setattr("edge.sources.video.EachNth", Noted)
    few, all_of_them = (
        [(frame.index, frame.time_s, frame.pixels.tobytes()) for frame in video.frames()]
        for video in (VideoFile(path, every), VideoFile(path))
    )
    assert few == all_of_them[::every]
    assert sum(passed) > COUNT / 6


def test_a_packet_of_parameter_sets_or_of_another_codec_is_needed():
    unreferred = Unreferred("h264")
    assert unreferred.holds(b"\0\0\0\1\x01\x80\0\0")
    assert not unreferred.holds(b"\0\0\0\1\x67\x42\0\0\0\1\x01\x80\0\0")
    assert not unreferred.holds(b"\0\0\0\1\x41\x80\0\0")
    assert not unreferred.holds(b"")
    assert not Unreferred("vp9").holds(b"\0\0\0\1\x01\x80\0\0")


def test_no_picture_of_motion_jpeg_refers_to_another_one():
    assert Unreferred("mjpeg").holds(b"\xff\xd8\xff")
    assert not Unreferred("mjpeg").holds(b"")


def test_in_h265_a_picture_of_a_lower_sub_layer_is_needed_by_those_above():
    unreferred = Unreferred("hevc")
    lower, higher = b"\0\0\1\x00\x01\x80\0", b"\0\0\1\x00\x02\x80\0"
    assert unreferred.holds(lower)
    assert unreferred.holds(higher)
    assert not unreferred.holds(lower)


def test_lengths_that_lie_end_the_packet():
    assert list(heads(b"\0\0\0\2\x01\x80\xff\xff\xff\xff\x01", 4)) == [b"\x01\x80", b"\x01"]
    assert list(heads(b"\0\0\0\0\0\0\0\0", 4)) == [b"\0\0"]
