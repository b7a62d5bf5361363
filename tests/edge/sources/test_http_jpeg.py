"""Pictures over HTTP from cameras of all manners."""

from contextlib import suppress
from io import BytesIO
from itertools import chain, islice
from threading import Event

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import SourceError
from edge.samples import Damaged, Frame
from edge.sources.ffmpeg import NetworkCamera
from edge.sources.http_jpeg import JpegSplitter, begins_with_jpeg
from edge.sources.open import frame_source
from tests.edge.cameras import camera_settings
from tests.edge.motion_jpeg import MotionJpeg, motion_jpeg
from tests.edge.sent_video import moving_pictures, sent_video, write_video
from tests.edge.watching import PATIENCE_S

SHOWN = moving_pictures(3, 64, 48)


def jpeg_of(pixels, *options):
    return cv2.imencode(".jpg", pixels, list(options))[1].tobytes()


JPEGS = [jpeg_of(pixels) for pixels in SHOWN]
PROGRESSIVE = jpeg_of(SHOWN[0], cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
RESTARTING = jpeg_of(SHOWN[0], cv2.IMWRITE_JPEG_RST_INTERVAL, 2)
WITH_A_THUMBNAIL = JPEGS[0][:2] + b"\xff\xe1" + (len(JPEGS[1]) + 2).to_bytes(2, "big") + JPEGS[1]
WITH_A_THUMBNAIL += JPEGS[0][2:]


def expected(jpeg):
    """Return what FFmpeg makes of a JPEG."""
    with av.open(BytesIO(jpeg), "r", format="jpeg_pipe") as container:
        (frame,) = container.decode(video=0)
        return frame.to_ndarray(format="bgr24")


def split(data, size):
    splitter = JpegSplitter()
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    return list(chain.from_iterable(map(splitter.feed, pieces)))


@given(
    pictures=st.lists(
        st.sampled_from([*JPEGS, PROGRESSIVE, RESTARTING, WITH_A_THUMBNAIL]), max_size=4
    ),
    between=st.binary(max_size=9).filter(lambda data: b"\xff" not in data),
    size=st.integers(1, 5000),
)
def test_pictures_are_cut_out_whatever_stands_between_and_however_the_bytes_come(
    pictures, between, size
):
    data = b"".join(between + picture for picture in pictures) + between
    assert split(data, size) == pictures


@given(cut=st.integers(JPEGS[0].index(b"\xff\xda") + 20, len(JPEGS[0]) - 2))
def test_a_picture_that_breaks_off_costs_itself_alone(cut):
    data = JPEGS[0][:cut] + b"\r\n--frame\r\n\r\n" + JPEGS[1] + JPEGS[2]
    assert split(data, 1000) == [None, JPEGS[1], JPEGS[2]]


def test_bytes_without_end_are_no_picture():
    splitter = JpegSplitter()
    with pytest.raises(SourceError, match="no end"):
        list(splitter.feed(JPEGS[0][:-2] + bytes(65_000_000)))


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (JPEGS[0], True),
        (b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + JPEGS[0], True),
        (b"--frame\r\nContent-", None),
        (b"--frame\r\n\r\n\xff\xd8", None),
        (b"", None),
        (b"FLV\x01\x05\x00\x00\x00\x09", False),
        (b"\x47\x40\x11\x10" + bytes(184), False),
        (b"\x89PNG\r\n\x1a\n", False),
        (b"x" * 5000, False),
    ],
)
def test_the_first_bytes_tell_jpeg_from_other_video(data, answer):
    assert begins_with_jpeg(data) is answer


class Camera(MotionJpeg):
    """Sends the parts of a stream as a path names its manners."""

    def answer(self):
        manner = self.path.strip("/")
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        kinds = {"jpg": "image/jpg", "charset": "image/jpeg; charset=binary"}
        for number, jpeg in enumerate(JPEGS * 10):
            head = "" if manner == "nofirst" and number == 0 else "--frame\r\n"
            if manner != "notype":
                head += f"Content-Type: {kinds.get(manner, 'image/jpeg')}\r\n"
            if manner != "nolength":
                head += f"Content-Length: {len(jpeg)}\r\n"
            if manner == "lines":
                head = head.replace("\r\n", "\n")
            body = b"" if manner == "bare" else head.encode() + b"\r\n"
            self.wfile.write(body + jpeg + (b"" if manner == "bare" else b"\r\n"))


def frames_from(port, path="", **keys):
    uri = f"http://127.0.0.1:{port}/{path}"
    seconds = {"open_timeout": PATIENCE_S, "read_timeout": PATIENCE_S}
    return frame_source(camera_settings(uri, **seconds | keys), print).frames()


def until_the_end(frames):
    taken = []
    with suppress(SourceError):
        taken.extend(frames)
    return taken


@pytest.mark.parametrize(
    "manner",
    ["usual", "nofirst", "jpg", "charset", "notype", "nolength", "lines", "bare"],
)
def test_a_camera_streams_whatever_it_says_between_its_pictures(manner):
    with motion_jpeg(camera=Camera) as port:
        frames = until_the_end(frames_from(port, manner))
    assert len(frames) == 30
    for frame, jpeg in zip(frames, JPEGS * 10, strict=True):
        assert np.array_equal(frame.pixels, expected(jpeg))


class Snapshots(MotionJpeg):
    """Gives one picture for each request."""

    asked = 0

    def answer(self):
        jpeg = JPEGS[Snapshots.asked % 3]
        Snapshots.asked += 1
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(jpeg)))
        self.end_headers()
        self.wfile.write(jpeg)


def test_an_address_of_single_pictures_is_asked_at_the_stated_rate():
    waits: list[float] = []
    with motion_jpeg(camera=Snapshots) as port:
        uri = f"http://127.0.0.1:{port}/snapshot.jpg"
        settings = camera_settings(uri, snapshot_every=3600, read_timeout=PATIENCE_S)
        camera = NetworkCamera(settings, lambda: settings.uri, waits.append)
        Snapshots.asked = 0
        frames = list(islice(camera.frames(), 4))
        assert Snapshots.asked == 4
    for frame, jpeg in zip(frames, [*JPEGS, JPEGS[0]], strict=True):
        assert isinstance(frame, Frame)
        assert np.array_equal(frame.pixels, expected(jpeg))
    assert len(waits) == 3
    assert all(3600 - PATIENCE_S < wait <= 3600 for wait in waits)


def test_a_single_picture_that_is_cut_off_is_left_out():
    class CutOff(MotionJpeg):
        asked = 0

        def answer(self):
            CutOff.asked += 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(JPEGS[0] if CutOff.asked % 2 else JPEGS[0][:-500])

    with motion_jpeg(camera=CutOff) as port:
        frames = list(islice(frames_from(port, snapshot_every=0.01), 3))
    assert [isinstance(frame, Damaged) for frame in frames] == [False, True, False]


def serving(path, old=b"", new=b""):
    """Return a camera that sends a file once, in real time."""

    class Serving(MotionJpeg):
        def answer(self):
            self.send_response(200)
            self.end_headers()
            data, pause = path.read_bytes().replace(old, new), Event()
            for start in range(0, len(data), 4000):
                self.wfile.write(data[start : start + 4000])
                pause.wait(0.04)

    return Serving


@pytest.mark.parametrize(("ending", "codec"), [("flv", "h264"), ("ts", "h264"), ("ts", "hevc")])
def test_other_video_over_http_is_received(tmp_path, ending, codec):
    video = sent_video(tmp_path, codec, 100)
    path = tmp_path / f"video.{ending}"
    write_video(path, codec, moving_pictures(100))

    with motion_jpeg(camera=serving(path)) as port:
        frames = until_the_end(frames_from(port))
    assert frames
    assert None not in [video.index_of(frame.pixels) for frame in frames]


def test_a_camera_whose_name_is_not_utf_8_is_received(tmp_path):
    path = tmp_path / "camera.flv"
    sent = sent_video(tmp_path, "h264", 100)
    with av.open(str(sent.path)) as source, av.open(str(path), "w") as file:
        file.metadata["title"] = "named"
        track = file.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = track
                file.mux(packet)
    assert b"named" in path.read_bytes()
    with motion_jpeg(camera=serving(path, b"named", b"\xe9\xe8\xff\x80\xfe")) as port:
        frames = until_the_end(frames_from(port))
    assert frames
    assert None not in [sent.index_of(frame.pixels) for frame in frames]


def test_a_camera_that_sends_sound_alone_is_told_and_tried_again(tmp_path):
    path = tmp_path / "camera.ts"
    with av.open(str(path), "w") as file:
        sound = file.add_stream("mp2", rate=44100, layout="mono")
        for _ in range(100):
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.int16), "s16", "mono")
            samples.sample_rate = 44100
            file.mux(sound.encode(samples))
        file.mux(sound.encode())
    with (
        motion_jpeg(camera=serving(path)) as port,
        pytest.raises(SourceError, match="has no video that can be decoded"),
    ):
        list(frames_from(port))


def test_a_camera_whose_clock_jumps_goes_on(tmp_path):
    """By an hour forward, then back: time stamps of a camera that was set, and set again."""
    sent = sent_video(tmp_path, "h264", 60)
    parts = []
    for number, hours in enumerate((0, 1, 0)):
        path = tmp_path / f"{number}.ts"
        write_video(path, "h264", moving_pictures(60), start=hours * 3600 * 25)
        parts.append(path.read_bytes())

    class Jumping(MotionJpeg):
        def answer(self):
            self.send_response(200)
            self.end_headers()
            data, pause = b"".join(parts), Event()
            for start in range(0, len(data), 8000):
                self.wfile.write(data[start : start + 8000])
                pause.wait(0.03)

    with motion_jpeg(camera=Jumping) as port:
        frames = until_the_end(frames_from(port))
    shown = [sent.index_of(frame.pixels) for frame in frames if isinstance(frame, Frame)]
    assert None not in shown
    assert shown.count(50) == 3  # in each of the three parts
