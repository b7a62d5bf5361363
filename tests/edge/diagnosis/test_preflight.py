"""What the program stands on is looked at before it runs, and told with what mends it."""

import subprocess
from types import SimpleNamespace

import pytest

from edge.config.model import Config, Source
from edge.config.source import SourceSettings
from edge.config.uri import parse_uri
from edge.diagnosis.preflight import (
    decoder_findings,
    memory_findings,
    python_findings,
)
from edge.errors import SourceError
from edge.pipeline.proof import unproved
from edge.sources.decoding.choice import Taken
from edge.sources.decoding.elements import CODECS
from edge.sources.decoding.library import Library
from tests.pairs import put_pair


def _source(uri, **keys):
    return Source(name="door", uri=parse_uri(uri), **keys)


CSI = _source("csi://0")
NETWORK = _source("rtsp://127.0.0.1/1", decoder="gstreamer")
USB = _source("v4l2:///dev/video0", decoder="gstreamer")
PLAIN = "H.265 by FFmpeg, Motion JPEG by FFmpeg"
H264 = ("h264parse", "avdec_h264")
MJPEG = ("jpegparse", "jpegdec")


class Factories:
    """Knows a few elements, as `Gst.ElementFactory`; held to the real one below."""

    def __init__(self, *names):
        self._names = names

    def find(self, factoryname):
        return object() if factoryname in self._names else None


@pytest.mark.parametrize(("python", "state"), [((3, 8), "problem"), ((3, 10), "ok")])
def test_the_python_is_judged(python, state):
    found = next(each for each in python_findings(python, {}) if each.topic == "Python")
    assert (found.state, bool(found.remedy)) == (state, state == "problem")


def test_the_pip_of_jetpack_6_is_told_with_the_way_round_it():
    old = {"pip": "22.0.2", "setuptools": "59.6.0"}
    _, found = python_findings((3, 10), old)
    assert "pip 22.0.2 with setuptools 59.6.0: too old" in found.text
    assert "UNKNOWN-0.0.0" in found.text
    assert "make deb" in found.remedy


def test_a_new_pip_is_fine_and_none_is_told():
    assert [each.state for each in python_findings((3, 10), {"pip": "24.0"})] == ["ok", "ok"]
    _, found = python_findings((3, 10), {})
    assert found.remedy == "sudo apt-get install python3-pip"


def test_the_python_that_runs_this_is_one_that_can():
    assert next(python_findings()).state == "ok"


@pytest.fixture
def offered(monkeypatch):
    """Let GStreamer load, with these elements only."""

    def offer(*elements):
        library = Library(SimpleNamespace(ElementFactory=Factories(*elements)), None)
        for module in ("edge.diagnosis.preflight", "edge.sources.decoding.choice"):
            monkeypatch.setattr(f"{module}.load_gstreamer", lambda: library)

    return offer


def test_sources_without_gstreamer_ask_nothing_of_it(monkeypatch):
    for module in ("edge.diagnosis.preflight", "edge.sources.decoding.choice"):
        monkeypatch.setattr(f"{module}.load_gstreamer", None)  # not even called
    network = _source("rtsp://127.0.0.1/1", decoder="ffmpeg")
    assert [each.state for each in decoder_findings([network])] == ["ok"]


@pytest.mark.parametrize(
    ("source", "elements", "state"),
    [
        (NETWORK, (), "problem"),
        (NETWORK, MJPEG, "problem"),  # what GStreamer has without its package of FFmpeg
        (NETWORK, (*H264, *MJPEG), "note"),
        (NETWORK, (*H264, *MJPEG, "h265parse", "avdec_h265"), "ok"),
        (USB, H264, "problem"),
        (USB, MJPEG, "ok"),
        (CSI, (*H264, *MJPEG), "problem"),
        (CSI, ("appsink", "nvarguscamerasrc", "nvvidconv", "queue"), "ok"),
    ],
)
def test_check_proves_of_a_decoder_what_the_doctor_says_of_it(
    offered, tmp_path, source, elements, state
):
    offered(*elements)
    states = [each.state for each in decoder_findings([source])]
    assert max(states, key=["ok", "note", "problem"].index) == state
    sinks = [{"type": "stdout"}]
    config = Config.model_validate({"pair": tmp_path, "sources": [source], "sinks": sinks})
    refused = ("sources", 0) in {key for key, _ in unproved(config)}
    assert refused == (state == "problem")


def test_what_is_decoded_by_nothing_is_named(offered):
    offered(*H264, *MJPEG)
    (found,) = decoder_findings([NETWORK])
    told = "gstreamer: H.264 by avdec_h264, H.265 by nothing, Motion JPEG by jpegdec"
    assert (found.text, "gstreamer1.0-libav" in found.remedy) == (told, True)


def test_elements_that_are_missing_are_named_with_their_package(offered):
    offered("appsink", "nvvidconv")
    found = list(decoder_findings([CSI]))
    assert [each.text for each in found] == [
        "has no element nvarguscamerasrc",
        "has no element queue",
    ]
    assert "nvidia-l4t-gstreamer" in found[0].remedy
    assert "gstreamer1.0-plugins-base" in found[1].remedy


def test_what_would_decode_is_told_once_for_each_setting(monkeypatch):
    taken = {
        "auto": ["nvv4l2decoder", "FFmpeg", "FFmpeg"],
        "ffmpeg": ["FFmpeg", "FFmpeg", "FFmpeg"],
    }

    def choices(choice, codecs):
        decoders = zip(codecs, taken[choice], strict=True)
        return [Taken(CODECS[codec].words, by, by != "FFmpeg") for codec, by in decoders]

    monkeypatch.setattr("edge.diagnosis.preflight.choices", choices)
    sources = [
        SourceSettings.model_validate({"name": name, "uri": "rtsp://a/1", "decoder": decoder})
        for name, decoder in (("door", "auto"), ("hall", "auto"), ("yard", "ffmpeg"))
    ]
    assert [(each.topic, each.state, each.text) for each in decoder_findings(sources)] == [
        (
            "decoder of door, hall",
            "ok",
            f"auto: H.264 by nvv4l2decoder, {PLAIN} (in hardware where not FFmpeg's)",
        ),
        (
            "decoder of yard",
            "ok",
            f"ffmpeg: H.264 by FFmpeg, {PLAIN} (no hardware)",
        ),
    ]


def test_a_decoder_that_is_missing_is_a_problem_with_its_remedy(monkeypatch):
    def missing(*_):
        raise SourceError("GStreamer cannot be loaded; install it with: sudo apt install it")

    monkeypatch.setattr("edge.diagnosis.preflight.choices", missing)
    (found,) = decoder_findings([NETWORK])
    assert (found.state, "apt install" in found.remedy) == ("problem", True)


ASK = """
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
print([Gst.ElementFactory.find(name) is None for name in ("videoconvert", "no-such-element")])
"""


def test_the_real_factory_answers_as_the_one_above():
    asked = subprocess.run(
        ["/usr/bin/python3", "-c", ASK], capture_output=True, text=True, check=False
    )
    if asked.returncode != 0:
        pytest.skip(f"GStreamer's Python binding: {asked.stderr.splitlines()[-1:]}")
    assert asked.stdout == "[False, True]\n"


@pytest.mark.parametrize(
    ("kilobytes", "builds_here", "state"),
    [(8_000_000, True, "ok"), (100_000, True, "problem"), (100_000, False, "note")],
)
def test_memory_is_held_against_what_the_network_needs(tmp_path, kilobytes, builds_here, state):
    put_pair(tmp_path)
    (tmp_path / "meminfo").write_text(f"MemAvailable: {kilobytes} kB\n")
    (found,) = memory_findings(tmp_path / "pair", builds_here, tmp_path / "meminfo")
    assert (found.state, bool(found.remedy)) == (state, state != "ok")
    assert "takes about 0.3 GB" in found.text
