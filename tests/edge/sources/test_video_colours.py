"""Colours and edges of a picture arrive, however a stream says that it encodes them."""

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from edge.sources.video import VideoFile

BT_601, BT_709 = Colorspace.ITU601, Colorspace.ITU709
TELEVISION, FULL = ColorRange.MPEG, ColorRange.JPEG
COLOURS = [(220, 60, 60), (60, 220, 60), (60, 60, 220), (230, 180, 160), (255, 255, 255), (0, 0, 0)]
"""RGB, one skin among them; each is a stripe of the picture."""
HEIGHT, STRIPE = 106, 30
"""180 x 106 pixels: encoders work in blocks of 16, and pad."""


@pytest.fixture(scope="module")
def stripes():
    return np.repeat(np.array([COLOURS], np.uint8), STRIPE, axis=1).repeat(HEIGHT, axis=0)


def write(path, stripes, codec, pixel_format, stated):
    colorspace, color_range = stated
    options = {"crf": "4", "x265-params": "log-level=none"} if codec == "libx265" else {"crf": "4"}
    with av.open(str(path), "w") as file:
        track = file.add_stream(codec, rate=25, options=options)
        assert isinstance(track, VideoStream)
        track.width, track.height, track.pix_fmt = len(COLOURS) * STRIPE, HEIGHT, pixel_format
        track.codec_context.colorspace = colorspace
        track.codec_context.color_range = color_range
        for _ in range(6):
            frame = av.VideoFrame.from_ndarray(stripes, format="rgb24").reformat(
                format=pixel_format, dst_colorspace=colorspace, dst_color_range=color_range
            )
            frame.colorspace, frame.color_range = colorspace, color_range
            file.mux(track.encode(frame))
        file.mux(track.encode())


@pytest.mark.parametrize(
    "encoded",
    [
        ("libx264", "yuv420p", (BT_601, TELEVISION)),
        ("libx264", "yuv420p", (BT_709, TELEVISION)),
        ("libx264", "yuv420p", (BT_709, FULL)),
        ("libx264", "yuvj420p", (BT_601, FULL)),
        ("libx264", "yuv422p", (BT_601, TELEVISION)),
        ("libx265", "yuv420p10le", (BT_709, TELEVISION)),
    ],
)
def test_colours_arrive_as_they_were(tmp_path, stripes, encoded, decoder):
    path = tmp_path / "clip.mkv"
    write(path, stripes, *encoded)
    pixels = list(VideoFile(path, decoder=decoder).frames())[2].pixels[:, :, ::-1].astype(int)
    assert pixels.shape == stripes.shape
    middles = slice(STRIPE // 2, None, STRIPE)
    np.testing.assert_allclose(pixels[:, middles], stripes[:, middles], atol=6)
