import sys
from itertools import islice

import numpy as np
import pytest

from edge.errors import SourceError
from edge.samples import Pixels
from edge.sources.decoding.library import load_gstreamer
from edge.sources.gstreamer import GStreamerCamera, csi_pipeline
from tests.edge.cameras import camera_settings, made

CSI = camera_settings("csi://0", open_timeout=30, read_timeout=30)


def test_the_pipeline_asks_the_sensor_for_size_and_rate_and_drops_old_frames():
    settings = camera_settings("csi://1", width=1280, height=720, fps=30)
    assert csi_pipeline(settings).split(" ! ") == [
        "nvarguscamerasrc sensor-id=1",
        "video/x-raw(memory:NVMM),format=NV12,width=1280,height=720,framerate=30/1",
        "queue leaky=2 max-size-buffers=1",
        "nvvidconv",
        "video/x-raw,format=BGRx",
        "videoconvert",
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
        assert np.all(pixels == (255, 0, 0))

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
