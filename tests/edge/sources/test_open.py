import socket
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from threading import Event
from typing import cast

import cv2
import numpy as np
import pytest

from edge.errors import ConfigError, SourceError
from edge.samples import Damaged, Frame
from edge.sources.confined.messages import START_S
from edge.sources.open import address, frame_source, limits, live_source
from edge.sources.status import Surroundings
from edge.sources.whole_pictures import is_cut_off
from tests.edge.cameras import BY_ID, camera_settings, picture
from tests.edge.motion_jpeg import MotionJpeg, motion_jpeg
from tests.edge.sent_video import moving_pictures, write_video
from tests.edge.watching import PATIENCE_S, Told


def unwanted(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("clip.mp4", "Replay"),
        (f"v4l2://{BY_ID}", "UsbCamera"),
        ("csi://0", "GStreamerCamera"),
        ("rtsp://camera/1", "ConfinedCamera"),
        ("rtsps://camera/1", "ConfinedCamera"),
        ("http://camera/1", "ConfinedCamera"),
        ("https://camera/1", "ConfinedCamera"),
    ],
)
def test_the_scheme_decides_what_captures(uri, kind):
    assert type(frame_source(camera_settings(uri), unwanted)).__name__ == kind


def test_timeouts_decide_when_a_call_is_given_up_and_a_camera_announced():
    settings = camera_settings("rtsp://a/", open_timeout=4, read_timeout=2, offline_after=60)
    treated = limits(settings)
    assert (treated.open_stuck_s, treated.read_stuck_s) == (12 + START_S, 6)
    assert limits(settings.model_copy(update={"isolate": False})).open_stuck_s == 12
    assert treated.patience.stalled_after_s == 1
    assert treated.patience.announce_after_s == 60
    assert treated.is_live


def test_only_a_usb_camera_is_opened_anew_for_a_frozen_picture():
    assert limits(camera_settings("rtsp://a/")).frozen_after_s is None
    assert limits(camera_settings(f"v4l2://{BY_ID}")).frozen_after_s == 10


def test_a_login_is_read_anew_for_each_connection(monkeypatch):
    settings = camera_settings("rtsp://camera/1", login={"name": "door-login"})
    monkeypatch.setenv("EDGE_GATE_DOOR_LOGIN", "admin:old")
    assert address(settings).address == "rtsp://admin:old@camera/1"
    monkeypatch.setenv("EDGE_GATE_DOOR_LOGIN", "admin:n@w")
    assert address(settings).address == "rtsp://admin:n%40w@camera/1"
    monkeypatch.delenv("EDGE_GATE_DOOR_LOGIN")
    with pytest.raises(ConfigError, match="door-login"):
        address(settings)


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture(number))
    return tmp_path


def test_a_folder_is_taken_whole_and_ends(folder):
    told = Told()
    around = Surroundings(on_change=told)
    source = live_source(camera_settings(str(folder)), around, unwanted)
    source.start()
    names = [Path(captured.frame.source).name for captured in source.frames()]
    assert names == ["0.png", "1.png", "2.png", "3.png"]
    assert told.until_state("disabled").error is None


def test_a_folder_in_a_loop_starts_again(folder):
    source = live_source(camera_settings(str(folder), loop=True), Surroundings(), unwanted)
    source.start()
    taken = [captured.frame for captured, _ in zip(source.frames(), range(9), strict=False)]
    source.stop()
    assert [Path(frame.source).name for frame in taken[3:6]] == ["3.png", "0.png", "1.png"]
    assert [frame.index for frame in taken] == list(range(9))


def test_a_file_that_is_missing_ends_with_an_error(tmp_path):
    told = Told()
    source = live_source(
        camera_settings(str(tmp_path / "none.mp4")), Surroundings(on_change=told), unwanted
    )
    source.start()
    assert "none.mp4" in str(told.until_state("disabled").error)
    assert list(source.frames()) == []


def frames_of(port, **keys):
    uri = f"http://127.0.0.1:{port}/video.mjpg?user=a&pwd=hunter2"
    seconds = {"open_timeout": PATIENCE_S, "read_timeout": PATIENCE_S}
    return frame_source(camera_settings(uri, **seconds | keys), unwanted).frames()


def test_motion_jpeg_over_http_is_received():
    with motion_jpeg() as port:
        assert next(iter(frames_of(port))).pixels.shape == (48, 64, 3)


def jpeg_of(brightness):
    return cv2.imencode(".jpg", np.full((480, 640, 3), brightness, np.uint8))[1].tobytes()


def test_of_a_jpeg_that_was_cut_off_no_half_picture_is_made():
    class CuttingOff(MotionJpeg):
        def pictures(self):
            for number in range(10**6):
                whole = jpeg_of((60, 120, 200)[number % 3])
                yield whole[: len(whole) // 2] if number % 3 == 2 else whole

    with motion_jpeg(camera=CuttingOff) as port:
        frames = [frame for frame, _ in zip(frames_of(port), range(30), strict=False)]
    assert sum(isinstance(frame, Damaged) for frame in frames) in (9, 10, 11)
    taken = [frame.pixels for frame in frames if not isinstance(frame, Damaged)]
    assert {int(pixels[0, 0, 0]) for pixels in taken} == {60, 120}
    assert {int(np.ptp(pixels)) for pixels in taken} == {0}


def test_a_jpeg_is_whole_when_its_end_comes_after_its_data():
    whole = jpeg_of(60)
    assert not is_cut_off(whole)
    assert not is_cut_off(whole + bytes(64))  # some cameras fill up
    assert is_cut_off(whole[:-2])
    thumbnail = b"\xff\xe1\x00\x10" + jpeg_of(90)[-12:]
    assert is_cut_off(whole[:2] + thumbnail + whole[2:-2])


def test_motion_jpeg_that_stops_without_a_word_is_given_up():
    silent = Event()

    class Stopping(MotionJpeg):
        def pictures(self):
            yield from islice(super().pictures(), 50)
            silent.wait(PATIENCE_S)

    with motion_jpeg(camera=Stopping) as port, pytest.raises(SourceError, match="gave no frame"):
        for _ in frames_of(port, read_timeout=0.5):
            pass
    silent.set()


def test_between_two_single_pictures_a_camera_is_neither_stalled_nor_stuck():
    treated = limits(camera_settings("http://a/b.jpg", read_timeout=2, snapshot_every=60))
    assert treated.read_stuck_s > 60
    assert treated.patience.stalled_after_s > 60
    assert treated.patience.announce_after_s > 60


def test_a_recording_as_a_source_is_turned_as_its_keys_say(tmp_path):
    path = tmp_path / "clip.mp4"
    write_video(path, "h264", moving_pictures(2))
    shapes = [
        cast("Frame", next(iter(frame_source(settings, unwanted).frames()))).pixels.shape
        for settings in (
            camera_settings(str(path)),
            camera_settings(str(path), rotate=90, aspect="16:9"),
        )
    ]
    assert shapes == [(240, 320, 3), (427, 240, 3)]


SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 H264/90000\r\na=control:1\r\n"
)


def asked_transport(server):
    """Answer a client up to its SETUP, and return what it asks there to be sent by."""
    connection, _ = server.accept()
    with connection, connection.makefile("rwb") as stream:
        while True:
            request = "".join(iter(lambda: stream.readline().decode(), "\r\n"))
            if request.startswith("SETUP"):
                return next(line for line in request.splitlines() if line.startswith("Transport:"))
            number = next(line for line in request.splitlines() if line.startswith("CSeq"))
            body = SDP if request.startswith("DESCRIBE") else ""
            kind = "Content-Type: application/sdp\r\n" if body else ""
            head = f"RTSP/1.0 200 OK\r\n{number}\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
            stream.write((head + body).encode())
            stream.flush()


@pytest.mark.parametrize(
    ("transport", "words"),
    [("tcp", "RTP/AVP/TCP;"), ("udp", "unicast"), ("udp_multicast", "multicast")],
)
def test_a_camera_is_asked_to_send_by_the_transport_of_the_configuration(transport, words):
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:
        asked = pool.submit(asked_transport, server)
        uri = f"rtsp://127.0.0.1:{server.getsockname()[1]}/cam"
        frames = frame_source(camera_settings(uri, transport=transport), unwanted).frames()
        with pytest.raises(SourceError):
            next(iter(frames))
        assert words in asked.result(PATIENCE_S)
