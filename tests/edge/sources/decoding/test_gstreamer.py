"""GStreamer's decoders give the same pictures as FFmpeg's, at the same times, or say why not."""

import gc
import logging
import weakref
from types import SimpleNamespace

import av
import numpy as np
import pytest

from edge.errors import SourceError
from edge.sources.decoding.choice import (
    TRIES,
    GStreamerDecoders,
    Taken,
    choices,
    decoders,
    has_device,
)
from edge.sources.decoding.decoder import FfmpegDecoder
from edge.sources.decoding.elements import CODECS, Elements
from edge.sources.decoding.gstreamer import GStreamerDecoder
from edge.sources.decoding.library import Library, load_gstreamer
from edge.sources.decoding.references import without_repeats
from edge.sources.decoding.sample import Sample, bgr_of, packed, stated_by
from edge.sources.video import VideoFile
from edge.sources.whole_pictures import WholePictures
from tests.edge.sent_video import ROUNDING, moving_pictures, write_video

BUDGET = 1_000_000
SOFTWARE = [
    (name, elements)
    for name, codec in CODECS.items()
    for elements in codec.elements
    if not elements.is_hardware
]
COUNT = 40
REORDERED = {
    "h264": {"tune": "", "bf": "3", "x264-params": "b-adapt=0:b-pyramid=normal:ref=3"},
    "hevc": {"tune": "psnr", "preset": "fast", "x265-params": "bframes=3:log-level=none"},
    "mjpeg": {},
}


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    made = {}

    def make(codec, ending, *, reordered=False, size=(160, 120)):
        known = codec, ending, reordered, size
        if known not in made:
            path = tmp_path_factory.mktemp("video") / f"{codec}.{ending}"
            options = REORDERED[codec] if reordered else {}
            write_video(path, codec, moving_pictures(COUNT, *size), 0, **options)
            made[known] = path
        return made[known]

    return make


def shown(path, make):
    """Return times and pictures, and how many were left out."""
    left_out = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = WholePictures(stream, lambda: left_out.append(1), make(stream))
        frames = [
            (picture.time, bgr_of(picture))
            for packet in container.demux(stream)
            for picture in pictures.of(packet)
        ]
        pictures.close()
    return frames, len(left_out)


def with_elements(library, elements, *, must=True, budget=BUDGET):
    return lambda stream: GStreamerDecoders(library, stream, elements, budget, must=must)


@pytest.mark.parametrize(("codec", "elements"), SOFTWARE, ids=[each.name for _, each in SOFTWARE])
@pytest.mark.parametrize("form", [(False, "mkv"), (True, "mkv"), (False, "ts"), (True, "ts")])
def test_each_element_gives_the_pictures_of_ffmpeg(gstreamer, recording, codec, elements, form):
    reordered, ending = form
    path = recording(codec, "mkv" if codec == "mjpeg" else ending, reordered=reordered)
    theirs, left_out = shown(path, with_elements(gstreamer, elements))
    ours, _ = shown(path, lambda stream: decoders(stream, "ffmpeg", BUDGET))
    assert left_out == 0
    assert [time for time, _ in theirs] == [time for time, _ in ours]
    differ = [np.abs(a.astype(int) - b).max() for (_, a), (_, b) in zip(theirs, ours, strict=True)]
    assert max(differ) <= (ROUNDING if codec == "mjpeg" else 0)


def test_only_pictures_without_padding_are_taken_as_they_lie():
    assert packed("NV12", 64, 48) == [(64, 0), (64, 3072)]
    assert packed("I420", 64, 48) == [(64, 0), (32, 3072), (32, 3840)]
    assert packed("I420", 63, 48) == packed("I420", 64, 47) == packed("YUY2", 64, 48) == []


@pytest.mark.parametrize("form", ["NV12", "I420", "Y42B", "YUY2", "GRAY8", "I420_10LE"])
@pytest.mark.parametrize("size", [(64, 48), (66, 50), (61, 47)])
def test_a_picture_taken_as_it_lies_is_the_one_that_was_copied(gstreamer, form, size):
    width, height = size
    pipeline = gstreamer.gst.parse_launch(
        "videotestsrc num-buffers=1 pattern=smpte ! videoconvert "
        f"! video/x-raw,format={form},width={width},height={height} ! appsink name=pictures"
    )
    pipeline.set_state(gstreamer.gst.State.PLAYING)
    sample = pipeline.get_by_name("pictures").emit("try-pull-sample", 10**10)
    picture = Sample(gstreamer, sample, None, stated_by(gstreamer, sample))
    copied = picture.frame().to_ndarray(format="bgr24")
    pipeline.set_state(gstreamer.gst.State.NULL)
    assert picture.size == size
    assert np.array_equal(picture.bgr(), copied)
    colours = len(np.unique(copied[height // 3, 4 : width - 4], axis=0))
    assert colours > 6


class _Lent:
    """A buffer in the manner of gst-python 1.22: what it shows is lent until it is unmapped."""

    def __init__(self, buffer):
        self.buffer, self.lent = buffer, bytearray()

    def map(self, flags):
        is_mapped, memory = self.buffer.map(flags)
        self.lent = bytearray(memory.data)
        self.buffer.unmap(memory)
        return is_mapped, SimpleNamespace(data=memoryview(self.lent))

    def unmap(self, _):
        self.lent[:] = bytes(len(self.lent))


@pytest.mark.parametrize("width", [64, 61])
def test_a_picture_outlives_the_mapping_of_its_buffer(gstreamer, width):
    pipeline = gstreamer.gst.parse_launch(
        "videotestsrc num-buffers=1 pattern=white "
        f"! video/x-raw,format=I420,width={width},height=48 ! appsink name=pictures"
    )
    pipeline.set_state(gstreamer.gst.State.PLAYING)
    sample = pipeline.get_by_name("pictures").emit("try-pull-sample", 10**10)
    there = SimpleNamespace(get_caps=sample.get_caps, get_buffer=lambda: _Lent(sample.get_buffer()))
    meta = SimpleNamespace(
        VideoInfo=gstreamer.video.VideoInfo,
        buffer_get_video_meta=lambda lent: gstreamer.video.buffer_get_video_meta(lent.buffer),
    )
    picture = Sample(Library(gstreamer.gst, meta), there, None)
    assert picture.bgr().min() > 250
    pipeline.set_state(gstreamer.gst.State.NULL)


@pytest.mark.parametrize("size", [(160, 120), (90, 66), (322, 182)])
@pytest.mark.usefixtures("gstreamer")
def test_rows_of_any_length_are_read_right(recording, size):
    path = recording("h264", "mp4", size=size)
    pairs = zip(
        VideoFile(path).frames(), VideoFile(path, decoder="gstreamer").frames(), strict=True
    )
    assert all(np.array_equal(ours.pixels, theirs.pixels) for ours, theirs in pairs)


@pytest.mark.usefixtures("gstreamer")
def test_a_picture_is_fetched_only_when_it_is_wanted(recording, monkeypatch):
    fetched = []
    data = Sample._data

    def noted(sample):
        fetched.append(sample)
        return data(sample)

    monkeypatch.setattr(Sample, "_data", noted)
    few = list(VideoFile(recording("h264", "mp4"), 8, decoder="gstreamer").frames())
    assert len(few) == len(fetched) == COUNT / 8


@pytest.mark.usefixtures("gstreamer")
def test_what_is_larger_than_the_budget_is_refused(recording):
    path = recording("h264", "ts", size=(322, 182))
    with pytest.raises(SourceError, match="322 x 182 pixels are more than the 50,000 allowed"):
        shown(path, lambda stream: decoders(stream, "gstreamer", 50_000))


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.usefixtures("gstreamer")
def test_what_becomes_larger_than_the_budget_is_refused(recording, tmp_path, codec):
    small, large = recording(codec, "ts"), recording(codec, "ts", size=(640, 480))
    path = tmp_path / f"both.{codec}"
    with path.open("wb") as both:
        for each in (small, large):
            with av.open(str(each)) as container:
                for packet in container.demux(video=0):
                    both.write(bytes(packet))
    with pytest.raises(SourceError, match="640 x 480 pixels are more than the 100,000 allowed"):
        shown(path, lambda stream: decoders(stream, "gstreamer", 100_000))


BROKEN = Elements("identity error-after=1")
SILENT = Elements("identity drop-probability=1")


@pytest.mark.parametrize("elements", [BROKEN, SILENT, Elements("no-such-element")])
def test_where_the_element_does_not_work_ffmpeg_decodes_and_it_is_told(
    gstreamer, recording, caplog, elements
):
    made = []

    def noted(stream):
        make = with_elements(gstreamer, elements, must=False)(stream)

        def one():
            made.append(make())
            return made[-1]

        return one

    path = recording("mjpeg", "mkv")
    with caplog.at_level(logging.WARNING):
        frames, left_out = shown(path, noted)
    assert isinstance(made[-1], FfmpegDecoder)
    assert "FFmpeg decodes it on the processor" in caplog.text
    assert len(made) <= TRIES + 1
    assert len(frames) > 0 or elements is SILENT
    assert left_out <= 2 * TRIES


def test_an_element_that_must_work_and_does_not_is_an_error(gstreamer, recording):
    with pytest.raises(SourceError, match=r"GStreamer's identity makes no picture.*decoder: auto"):
        shown(recording("mjpeg", "mkv"), with_elements(gstreamer, BROKEN))


@pytest.mark.usefixtures("gstreamer")
def test_a_codec_without_an_element_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        file.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        file.mux(stream.encode(None))
    with pytest.raises(SourceError, match="no element here that decodes mpeg4"):
        next(VideoFile(path, decoder="gstreamer").frames())
    assert next(VideoFile(path, decoder="auto").frames()).pixels.shape == (48, 64, 3)


def test_without_a_device_that_decodes_auto_is_ffmpeg(recording, tmp_path, monkeypatch):
    monkeypatch.setattr("edge.sources.decoding.choice.has_device", lambda: False)
    monkeypatch.setattr("edge.sources.decoding.choice.load_gstreamer", None)  # not even called
    assert {each.decoder for each in choices("auto")} == {"FFmpeg"}
    assert next(VideoFile(recording("h264", "mp4"), decoder="auto").frames()).index == 0
    assert not has_device(tmp_path)
    (tmp_path / "dri").mkdir()
    (tmp_path / "dri" / "renderD128").touch()
    assert has_device(tmp_path)


@pytest.mark.usefixtures("gstreamer")
def test_with_a_device_auto_takes_hardware_and_no_software(monkeypatch):
    class Jetson:
        def has(self, name):
            return name in {"h264parse", "nvv4l2decoder", "nvvidconv", "jpegparse", "jpegdec"}

    monkeypatch.setattr("edge.sources.decoding.choice.has_device", lambda: True)
    monkeypatch.setattr("edge.sources.decoding.choice.load_gstreamer", Jetson)
    assert list(choices("auto")) == [
        Taken("H.264", "nvv4l2decoder", is_hardware=True),
        Taken("H.265", "FFmpeg"),
        Taken("Motion JPEG", "nvv4l2decoder", is_hardware=True),
    ]
    monkeypatch.setattr("edge.sources.decoding.choice.load_gstreamer", load_gstreamer)
    software = ["avdec_h264", "avdec_h265", "jpegdec"]
    assert [each.decoder for each in choices("gstreamer")] == software


def test_no_pipeline_is_left_when_a_decoder_was_closed(gstreamer, recording):
    with av.open(str(recording("h264", "ts"))) as container:
        stream = container.streams.video[0]
        decoder = GStreamerDecoder(gstreamer, stream, SOFTWARE[0][1], BUDGET)
        decoder.close()
        decoder.close()
        assert decoder._pipeline.get_state(0).state == gstreamer.gst.State.NULL
        left = weakref.ref(decoder)
        del decoder
        gc.collect()
        assert left() is None


def test_parameter_sets_between_slices_are_taken_out_and_those_before_stay():
    sets, first, second = b"\0\0\1\x67\x42\0\0\1\x68\x01", b"\0\0\1\x65\x80", b"\0\0\1\x65\x40"
    assert without_repeats(sets + first + sets + second, "h264") == sets + first + second
    hevc = b"\0\0\1\x42\1\0\0\1\x26\1\x80"
    assert without_repeats(hevc + hevc, "hevc") == hevc + b"\0\0\1\x26\1\x80"
