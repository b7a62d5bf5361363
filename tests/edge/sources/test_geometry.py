"""Pictures are as people saw them: upright, of square pixels, one moment in each."""

import gc
import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge.config.source import AS_STATED, Geometry
from edge.samples import Frame
from edge.sources.files import ImageFiles
from edge.sources.geometry import CLOCKWISE, MIRRORED, as_seen, turned
from edge.sources.open import frame_source
from edge.sources.video import VideoFile
from tests.edge.cameras import camera_settings
from tests.edge.rtsp import RtspCamera
from tests.edge.sent_video import moving_pictures, write_video
from tests.edge.system_gstreamer import need_gstreamer

FOUR = np.array([[[1] * 3, [2] * 3], [[3] * 3, [4] * 3]], np.uint8)
"""Of two by two pixels: 1 2 above 3 4."""
WIDE = {"sample_aspect_ratio": Fraction(2, 1)}


def corners(pixels):
    return [int(pixels[row, column, 0]) for row in (0, -1) for column in (0, -1)]


@pytest.mark.parametrize(
    ("turn", "seen"),
    [
        (CLOCKWISE[0], [1, 2, 3, 4]),
        (CLOCKWISE[90], [3, 1, 4, 2]),
        (CLOCKWISE[180], [4, 3, 2, 1]),
        (CLOCKWISE[270], [2, 4, 1, 3]),
        (MIRRORED, [2, 1, 4, 3]),
        ((1, 0, 0, -1), [3, 4, 1, 2]),
        ((0, 1, 1, 0), [1, 3, 2, 4]),
    ],
)
def test_a_picture_is_turned_clockwise_and_mirrored_without_a_change_of_any_pixel(turn, seen):
    assert corners(turned(FOUR, turn)) == seen


def test_a_picture_is_turned_before_it_is_mirrored():
    assert corners(as_seen(FOUR, Geometry(rotate=90, mirror=True))) == [1, 3, 2, 4]


@pytest.mark.parametrize(
    ("stored", "aspect", "pixel_aspect", "seen"),
    [
        ((960, 1080), Fraction(16, 9), None, (1920, 1080)),
        ((704, 576), None, Fraction(16, 11), (1024, 576)),
        ((1440, 1080), None, Fraction(4, 3), (1920, 1080)),
        ((480, 480), None, Fraction(2, 3), (480, 720)),
        ((960, 1080), Fraction(16, 9), Fraction(1, 1), (1920, 1080)),
        ((640, 480), None, None, (640, 480)),
        ((640, 480), None, Fraction(0, 1), (640, 480)),
        ((640, 480), None, Fraction(1000, 1), (640, 480)),
    ],
)
def test_pixels_become_square_and_no_line_is_lost(stored, aspect, pixel_aspect, seen):
    width, height = stored
    pixels = np.zeros((height, width, 3), np.uint8)
    made = as_seen(pixels, Geometry(aspect), pixel_aspect)
    assert (made.shape[1], made.shape[0]) == seen


def write_anamorphic(path, pictures):
    """Write pictures with half of their columns, and say so."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"crf": "4"})
        stream.height, stream.width = pictures[0].shape[0], pictures[0].shape[1] // 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        for index, picture in enumerate(pictures):
            half = cv2.resize(picture, (stream.width, stream.height), interpolation=cv2.INTER_AREA)
            frame = av.VideoFrame.from_ndarray(half, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


@pytest.fixture(scope="module")
def anamorphic(tmp_path_factory):
    path = tmp_path_factory.mktemp("anamorphic") / "half.mkv"
    write_anamorphic(path, moving_pictures(50))
    return path


@pytest.mark.parametrize("ending", ["mkv", "mp4", "ts"])
def test_the_pixels_of_a_file_become_square(tmp_path, ending):
    pictures = moving_pictures(3)
    path = tmp_path / f"half.{ending}"
    write_anamorphic(path, pictures)
    frames = list(VideoFile(path).frames())
    assert [frame.pixels.shape for frame in frames] == [(240, 320, 3)] * 3
    # Half of the columns is lost, and nothing else.
    assert np.abs(frames[1].pixels.astype(int) - pictures[1]).mean() < 6


def test_the_pixels_of_a_camera_become_square(anamorphic, decoder):
    need_gstreamer()
    camera = RtspCamera(recording=anamorphic)
    camera.start()
    settings = camera_settings(camera.uri, decoder=decoder)
    try:
        frame = next(iter(frame_source(settings, print).frames()))
    finally:
        camera.kill()
    assert isinstance(frame, Frame)
    assert frame.pixels.shape == (240, 320, 3)


def with_matrix(path, matrix):
    """Write a matrix of 16.16 numbers into the track header, as a telephone does (ISO 14496-12)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("quarters", "matrix"),
    [
        (CLOCKWISE[90], (0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)),
        (CLOCKWISE[180], (-1 << 16, 0, 0, 0, -1 << 16, 0, 0, 0, 1 << 30)),
        (CLOCKWISE[270], (0, -1 << 16, 0, 1 << 16, 0, 0, 0, 0, 1 << 30)),
        (MIRRORED, (-1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)),
    ],
)
def test_a_file_of_a_telephone_is_turned_as_it_says(tmp_path, quarters, matrix, decoder):
    path = tmp_path / "telephone.mp4"
    write_video(path, "h264", moving_pictures(2))
    plain = next(iter(VideoFile(path).frames())).pixels
    with_matrix(path, matrix)
    seen = next(iter(VideoFile(path, decoder=decoder).frames())).pixels
    assert np.array_equal(seen, turned(plain, quarters))


def test_what_the_operator_turns_comes_on_top(tmp_path):
    path = tmp_path / "telephone.mp4"
    write_video(path, "h264", moving_pictures(2))
    plain = next(iter(VideoFile(path).frames())).pixels
    with_matrix(path, (0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30))
    seen = next(iter(VideoFile(path, geometry=Geometry(rotate=270)).frames())).pixels
    assert np.array_equal(seen, plain)


def test_photographs_of_a_source_are_turned_too(tmp_path):
    path = tmp_path / "four.png"
    cv2.imwrite(str(path), FOUR)
    (frame,) = ImageFiles([path], print, geometry=Geometry(rotate=180)).frames()
    assert corners(frame.pixels) == [4, 3, 2, 1]


@pytest.mark.parametrize("order", [(160, 320), (320, 160)], ids=["small first", "large first"])
def test_of_several_tracks_the_largest_is_taken(tmp_path, order):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as file:
        streams = []
        for width in order:
            stream = file.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = width, 120, "yuv420p"
            streams.append(stream)
        for stream in streams:
            grey = av.VideoFrame(stream.width, 120, "yuv420p")
            grey.pts, grey.time_base = 0, Fraction(1, 25)
            file.mux(stream.encode(grey))
            file.mux(stream.encode(None))
    (frame,) = VideoFile(path).frames()
    assert frame.pixels.shape == (120, 320, 3)


def write_interlaced(path, pictures, says_so):
    """
    Write pictures of which every other line was caught half an interval later, as analogue cameras.

    Through PyAV x264 says of each that its lower field is the first, so it is made so.
    """
    with av.open(str(path), "w") as file:
        options = {"crf": "4"} | ({"flags": "+ildct+ilme"} if says_so else {})
        stream = file.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for index in range(len(pictures) // 2):
            woven = pictures[2 * index].copy()
            later = 0 if says_so else 1
            woven[later::2] = pictures[2 * index + 1][later::2]
            frame = av.VideoFrame.from_ndarray(woven, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def error_of(frames, pictures):
    """Return the mean difference from what was seen first."""
    seen = [frame.pixels.astype(int) for frame in frames]
    return float(np.mean([np.abs(each - pictures[2 * n]).mean() for n, each in enumerate(seen)]))


@pytest.mark.parametrize(
    ("says_so", "how", "better"),
    [
        (True, "auto", True),
        (True, "never", False),
        (False, "auto", False),
        (False, "always", True),
    ],
)
def test_combed_pictures_become_one_moment(tmp_path, says_so, how, better, decoder):
    pictures = moving_pictures(24)
    path = tmp_path / "combed.mkv"
    write_interlaced(path, pictures, says_so)
    geometry = Geometry(deinterlace=how)
    frames = list(VideoFile(path, geometry=geometry, decoder=decoder).frames())
    assert [frame.time_s for frame in frames] == pytest.approx(
        [n / 25 for n in range(12)], abs=2e-3
    )
    combed = error_of(VideoFile(path, geometry=Geometry(deinterlace="never")).frames(), pictures)
    assert (error_of(frames, pictures) < 0.85 * combed) is better


def test_what_is_as_stated_is_not_touched():
    pixels = moving_pictures(1)[0]
    assert as_seen(pixels, AS_STATED) is pixels


def pictures_in_memory():
    return sum(isinstance(each, av.VideoFrame) for each in gc.get_objects())


def test_pictures_are_let_go_of_at_once_and_start_no_threads(tmp_path):
    path = tmp_path / "video.mp4"
    write_video(path, "h264", moving_pictures(60, 64, 48))
    gc.collect()
    others = pictures_in_memory()
    gc.disable()
    try:
        frames = sum(1 for _ in VideoFile(path).frames())
        kept = pictures_in_memory() - others
        threads = len(list(Path("/proc/self/task").iterdir()))
        again = sum(1 for _ in VideoFile(path).frames())
        more = len(list(Path("/proc/self/task").iterdir()))
    finally:
        gc.enable()
    assert (frames, again) == (60, 60)
    assert kept <= 10
    assert more == threads
