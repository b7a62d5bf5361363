import sys
from itertools import islice

import numpy as np
import pytest

from edge.errors import SourceError
from edge.samples import Frame, Passed, Pixels
from edge.sources.decoding.demand import Demand
from edge.sources.decoding.elements import Elements
from edge.sources.decoding.library import load_gstreamer
from edge.sources.gstreamer import (
    GStreamerCamera,
    GStreamerUsbCamera,
    csi_pipeline,
    usb_pipelines,
)
from edge.sources.open import frame_source
from tests.edge.cameras import camera_settings, made

CSI = camera_settings("csi://0", open_timeout=30, read_timeout=30)


def test_the_pipeline_asks_the_sensor_for_size_and_rate_and_drops_old_frames():
    settings = camera_settings("csi://1", width=1280, height=720, fps=30)
    assert csi_pipeline(settings).split(" ! ") == [
        "nvarguscamerasrc sensor-id=1",
        "video/x-raw(memory:NVMM),format=NV12,width=1280,height=720,framerate=30/1",
        "queue leaky=2 max-size-buffers=1",
        "nvvidconv",
    ]


def test_without_wishes_the_sensor_chooses():
    assert "video/x-raw(memory:NVMM),format=NV12 ! queue" in csi_pipeline(
        camera_settings("csi://0")
    )


def test_a_missing_binding_names_the_packages(monkeypatch):
    load_gstreamer.cache_clear()
    monkeypatch.setitem(sys.modules, "gi", None)
    with pytest.raises(SourceError, match="sudo apt install python3-gi"):
        next(made(GStreamerCamera(CSI, csi_pipeline(CSI))))


def picture(pipeline: str) -> Pixels:
    return next(made(GStreamerCamera(CSI, pipeline))).pixels


@pytest.mark.usefixtures("gstreamer")
class TestRealGStreamer:
    @pytest.mark.parametrize("width", [64, 61, 62, 63])
    def test_pictures_have_their_colours_at_any_width(self, width):
        size = f"video/x-raw,width={width},height=48"
        pixels = picture(f"videotestsrc pattern=blue ! {size} ! videoconvert")
        assert pixels.shape == (48, width, 3)
        assert np.abs(pixels.astype(int) - (255, 0, 0)).max() <= 3

    def test_frames_are_numbered_and_timed(self):
        source = GStreamerCamera(CSI, "videotestsrc ! video/x-raw,framerate=10/1 ! videoconvert")
        frames = list(islice(made(source), 3))
        assert [frame.index for frame in frames] == [0, 1, 2]
        times = [frame.time_s or 0.0 for frame in frames]
        assert times == sorted(set(times))

    def test_the_end_of_the_pipeline_is_a_loss_and_it_can_be_started_again(self):
        source = GStreamerCamera(CSI, "videotestsrc num-buffers=1 ! videoconvert")
        for _ in range(2):
            frames = made(source)
            next(frames)
            with pytest.raises(SourceError, match="the pipeline has ended"):
                next(frames)

    def test_a_pipeline_that_gives_nothing_is_given_up(self):
        settings = camera_settings("csi://0", open_timeout=0.2)
        source = GStreamerCamera(settings, "videotestsrc num-buffers=0 ! valve drop=true")
        with pytest.raises(SourceError, match="csi://0: "):
            next(made(source))

    def test_a_failing_element_is_quoted(self):
        source = GStreamerCamera(CSI, "filesrc location=/none ! decodebin ! videoconvert")
        with pytest.raises(SourceError, match="the pipeline failed: Resource not found"):
            next(made(source))

    def test_a_machine_without_the_camera_elements_is_told_how_to_see_what_is_missing(self):
        with pytest.raises(SourceError, match="gst-inspect"):
            next(made(GStreamerCamera(CSI, csi_pipeline(CSI))))


USB = camera_settings("v4l2:///dev/null", open_timeout=30, read_timeout=30)
SOFTWARE = Elements("jpegdec", is_hardware=False)


def test_a_usb_camera_is_asked_for_motion_jpeg_and_its_pictures_come_from_the_hardware():
    settings = camera_settings("v4l2:///dev/null", width=1280, height=720, fps=30)
    compressed, plain = usb_pipelines(settings, Elements("nvv4l2decoder mjpeg=1", "nvvidconv"))
    assert compressed.split(" ! ") == [
        "v4l2src name=camera",
        "image/jpeg,width=1280,height=720,framerate=30/1",
        "queue leaky=2 max-size-buffers=1",
        "jpegparse",
        "nvv4l2decoder mjpeg=1 name=decoder",
        "nvvidconv",
    ]
    assert plain.split(" ! ")[:2] == [
        "v4l2src name=camera",
        "video/x-raw,width=1280,height=720,framerate=30/1",
    ]


def jpegs(settings, count=-1):
    """Return the pipeline of a USB camera, with a test picture in the camera's place."""
    sent = (
        f"videotestsrc is-live=true pattern=blue num-buffers={count} ! video/x-raw,format=BGRx "
        # Else jpegenc writes levels from 16 to 235, which mean 0 to 255 in a JPEG.
        "! videoconvert ! video/x-raw,format=I420,colorimetry=1:4:0:0 ! jpegenc"
    )
    compressed, _ = usb_pipelines(settings, SOFTWARE)
    return compressed.replace("v4l2src name=camera", sent)


@pytest.mark.usefixtures("gstreamer")
class TestUsbCamera:
    def test_both_pipelines_can_be_made_with_the_elements_of_this_machine(self, gstreamer):
        for pipeline in usb_pipelines(camera_settings("v4l2:///dev/null", fps=30), SOFTWARE):
            made = gstreamer.gst.parse_launch(f"{pipeline} ! appsink")
            assert made.get_by_name("camera").find_property("device") is not None

    def test_its_pictures_have_size_and_colours(self):
        settings = camera_settings("v4l2:///dev/null", width=322, height=182, fps=25)
        frame = next(made(GStreamerCamera(settings, jpegs(settings))))
        assert frame.pixels.shape == (182, 322, 3)
        # jpegenc fills its last blocks up with what was in the memory.
        whole_blocks = frame.pixels[:160, :304].astype(int)
        assert np.abs(whole_blocks - (255, 0, 0)).max() <= 6

    def test_pictures_that_are_not_wanted_are_counted_and_not_decoded(self):
        demand = Demand()
        frames = GStreamerCamera(USB, jpegs(USB), demand).frames()
        assert isinstance(next(frames), Frame)
        demand.look_at(float("inf"))
        after = list(islice(frames, 20))
        assert sum(isinstance(each, Passed) for each in after) >= 18
        demand.look_at(0)
        assert any(isinstance(each, Frame) for each in islice(frames, 60))

    def test_one_without_motion_jpeg_is_read_as_it_is(self, monkeypatch):
        plain = "videotestsrc pattern=blue ! video/x-raw,format=YUY2,width=64,height=48 ! queue"
        failing = "filesrc location=/none ! jpegdec"
        monkeypatch.setattr("edge.sources.gstreamer.usb_pipelines", lambda *_: (failing, plain))
        assert next(made(GStreamerUsbCamera(USB))).pixels.shape == (48, 64, 3)

    def test_one_that_was_unplugged_is_lost(self, monkeypatch):
        ends = jpegs(USB, 2), "videotestsrc ! queue"
        monkeypatch.setattr("edge.sources.gstreamer.usb_pipelines", lambda *_: ends)
        with pytest.raises(SourceError, match="the pipeline has ended"):
            list(islice(made(GStreamerUsbCamera(USB)), 50))

    def test_one_that_is_not_there_is_named(self):
        settings = camera_settings("v4l2:///dev/v4l/by-id/none", open_timeout=5)
        with pytest.raises(SourceError, match="v4l2:///dev/v4l/by-id/none: the pipeline failed"):
            next(made(GStreamerUsbCamera(settings)))


@pytest.mark.parametrize(
    ("choice", "hardware", "kind"),
    [
        ("auto", None, "UsbCamera"),
        ("auto", "nvjpegdec", "GStreamerUsbCamera"),
        ("ffmpeg", "nvjpegdec", "UsbCamera"),
        ("gstreamer", None, "GStreamerUsbCamera"),
    ],
)
def test_a_usb_camera_is_read_by_what_decodes_it(monkeypatch, choice, hardware, kind):
    monkeypatch.setattr("edge.sources.decoding.choice.hardware", lambda _: hardware)
    source = frame_source(camera_settings("v4l2:///dev/null", decoder=choice), print)
    assert type(source).__name__ == kind
