"""What a hostile camera or file claims costs neither memory nor a visit to somewhere else."""

import subprocess
import sys
from typing import cast

import av
import cv2
import numpy as np
import pytest

from edge.errors import SourceError
from edge.samples import CAMERA_PIXELS
from edge.sources.confined.bounds import jpeg_size
from edge.sources.ffmpeg import NetworkCamera
from edge.sources.v4l2 import OpenCapture, UsbCamera
from edge.sources.video import VideoFile
from tests.edge.cameras import UsbDevice, camera_settings
from tests.edge.motion_jpeg import MotionJpeg, motion_jpeg
from tests.edge.sent_video import moving_pictures, write_video
from tests.edge.watching import PATIENCE_S

MOST_BYTES = 250_000_000
"""Of a process that refuses a picture; decoding it would take more than a gigabyte."""
GIF = bytes.fromhex(
    "47494638396101000100800000000000ffffff2c000000000100010000020244003b"  # 1 x 1
)
SMALL = cv2.imencode(".jpg", np.full((16, 16, 3), 90, np.uint8))[1].tobytes()


def claiming(data, at, sides):
    return data[:at] + sides + data[at + len(sides) :]


def large_gif():
    sides = (16000).to_bytes(2, "little") * 2
    return claiming(claiming(GIF, 6, sides), GIF.index(b"\x2c") + 5, sides)


def large_jpeg():
    return claiming(SMALL, SMALL.index(b"\xff\xc0") + 5, (16000).to_bytes(2, "big") * 2)


def network_camera(port, path=""):
    seconds = {"open_timeout": PATIENCE_S, "read_timeout": PATIENCE_S}
    settings = camera_settings(f"http://127.0.0.1:{port}/{path}", **seconds)
    return NetworkCamera(settings, lambda: settings.uri)


def sending(body, kind="video/mp2t"):
    class Camera(MotionJpeg):
        asked = 0

        def answer(self):
            Camera.asked += 1
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

    return Camera


def peak_and_words(program, *arguments):
    """Run a program; return its peak of memory in bytes, and what it says."""
    # Not from getrusage: its peak is the one of whoever started the program, if that was higher.
    peak = "int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) * 1024"
    measured = f"{program}\nprint({peak}, words)"
    done = subprocess.run(
        [sys.executable, "-c", measured, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    peak, _, words = done.stdout.strip().partition(" ")
    return int(peak), words


@pytest.mark.parametrize(("width", "height", "options"), [(16, 16, []), (300, 20, [2, 1])])
def test_the_size_of_a_jpeg_is_read_from_its_head(width, height, options):
    jpeg = cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8), options)[1].tobytes()
    assert jpeg_size(jpeg) == (width, height)
    assert jpeg_size(jpeg[: jpeg.index(b"\xff\xdb")]) is None


def test_a_gif_that_claims_gigabytes_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "small.gif"
    path.write_bytes(large_gif())
    program = """
import sys
from pathlib import Path
from edge.errors import SourceError
from edge.sources.video import VideoFile
words = "read"
try:
    list(VideoFile(Path(sys.argv[1])).frames())
except SourceError as error:
    words = error
"""
    peak, words = peak_and_words(program, str(path))
    assert "16000 x 16000 pixels are more than the 64,000,000 allowed" in words
    assert peak < MOST_BYTES


def test_a_picture_of_a_camera_is_refused_for_the_size_that_it_states():
    with motion_jpeg(camera=sending(large_jpeg())) as port:
        frames = network_camera(port).frames()
        with pytest.raises(SourceError, match="16000 x 16000 pixels are more than the 20,000,000"):
            next(frames)


def encoded(codec, width, height):
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.options = 25, {"preset": "ultrafast", "tune": "zerolatency"}
    picture = av.VideoFrame(width, height, "yuv420p")
    return b"".join(map(bytes, (*encoder.encode(picture), *encoder.encode(None))))


@pytest.fixture(scope="module")
def too_large():
    return encoded("libx264", 5008, 4000)


def test_a_video_over_the_budget_is_refused_for_what_its_parameter_sets_say(too_large):
    with motion_jpeg(camera=sending(too_large)) as port:
        frames = network_camera(port).frames()
        with pytest.raises(SourceError, match="5008 x 4000 pixels"):
            next(frames)


def test_a_video_that_grows_over_the_budget_is_refused_when_it_does(too_large):
    small = encoded("libx264", 64, 48) * 300
    with motion_jpeg(camera=sending(small + too_large + small)) as port:
        frames = network_camera(port).frames()
        with pytest.raises(SourceError, match=r"50\d\d x 4000 pixels"):  # FFmpeg pads it
            list(frames)


def test_a_recording_that_is_refused_for_its_size_is_named(tmp_path):
    (tmp_path / "small.gif").write_bytes(large_gif())
    with pytest.raises(SourceError, match=r"^/.*/small\.gif: .* 16000 x 16000 pixels"):
        list(VideoFile(tmp_path / "small.gif").frames())


def test_a_usb_camera_is_held_to_the_budget():
    device = UsbDevice(frames_until_unplugged=[3], size=(8000, 6000))
    settings = camera_settings("v4l2:///dev/video0")
    with pytest.raises(SourceError, match="8000 x 6000 pixels"):
        next(UsbCamera(settings, cast("OpenCapture", device.open)).frames())
    assert not device.is_open
    assert CAMERA_PIXELS < 8000 * 6000


HLS = """#EXTM3U
#EXT-X-TARGETDURATION:1
#EXT-X-MEDIA-SEQUENCE:0
#EXTINF:1,
{elsewhere}/1.ts
#EXTINF:1,
{elsewhere}/2.ts
"""


def test_a_playlist_instead_of_video_leads_nowhere():
    elsewhere = sending(b"secret")
    with motion_jpeg(camera=elsewhere) as other:
        body = HLS.format(elsewhere=f"http://127.0.0.1:{other}").encode()
        playlist = sending(body, "application/vnd.apple.mpegurl")
        with (
            motion_jpeg(camera=playlist) as port,
            pytest.raises(SourceError, match="cannot be opened"),
        ):
            next(network_camera(port).frames())
    assert elsewhere.asked == 0


def test_a_list_of_files_instead_of_a_recording_opens_none_of_them(tmp_path):
    write_video(tmp_path / "other.mp4", "h264", moving_pictures(3, 64, 48))
    listing = tmp_path / "video.mp4"
    listing.write_text("ffconcat version 1.0\nfile other.mp4\n")
    with pytest.raises(SourceError, match="no frame could be read"):
        next(VideoFile(listing).frames())


def test_a_redirection_of_a_camera_to_a_file_is_not_followed(tmp_path):
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(SMALL)

    class Redirecting(MotionJpeg):
        def answer(self):
            self.send_response(302)
            self.send_header("Location", secret.as_uri())
            self.end_headers()

    with motion_jpeg(camera=Redirecting) as port, pytest.raises(SourceError, match="cannot be op"):
        next(network_camera(port).frames())
