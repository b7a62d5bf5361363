"""What the program stands on is looked at before it runs, and told with what mends it."""

import subprocess

import pytest

from edge.config.source import SourceSettings
from edge.config.uri import parse_uri
from edge.diagnosis.preflight import (
    decoder_findings,
    gstreamer_findings,
    memory_findings,
    python_findings,
)
from edge.errors import SourceError
from tests.pairs import put_pair

CSI = SourceSettings(name="door", uri=parse_uri("csi://0"))


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


def test_sources_without_gstreamer_ask_nothing_of_it():
    network = SourceSettings(name="door", uri=parse_uri("rtsp://127.0.0.1/1"))
    assert list(gstreamer_findings([network], Factories())) == []


def test_elements_that_are_missing_are_named_with_their_package():
    found = list(gstreamer_findings([CSI], Factories("appsink", "nvvidconv")))
    assert [each.text for each in found] == [
        "has no element nvarguscamerasrc",
        "has no element queue",
    ]
    assert "nvidia-l4t-gstreamer" in found[0].remedy
    assert "gstreamer1.0-plugins-base" in found[1].remedy
    everything = Factories("appsink", "nvarguscamerasrc", "nvvidconv", "queue")
    assert [each.state for each in gstreamer_findings([CSI], everything)] == ["ok"]


def test_what_would_decode_is_told_once_for_each_setting(monkeypatch):
    taken = {
        "auto": [("H.264", "nvv4l2decoder", True), ("Motion JPEG", "FFmpeg", False)],
        "ffmpeg": [("H.264", "FFmpeg", False)],
    }
    monkeypatch.setattr("edge.diagnosis.preflight.choices", taken.__getitem__)
    sources = [
        SourceSettings.model_validate({"name": name, "uri": "rtsp://a/1", "decoder": decoder})
        for name, decoder in (("door", "auto"), ("hall", "auto"), ("yard", "ffmpeg"))
    ]
    assert [(each.topic, each.state, each.text) for each in decoder_findings([*sources, CSI])] == [
        (
            "decoder of door, hall",
            "ok",
            "auto: H.264 by nvv4l2decoder, Motion JPEG by FFmpeg (in hardware where not FFmpeg's)",
        ),
        ("decoder of yard", "ok", "ffmpeg: H.264 by FFmpeg (no hardware)"),
    ]


def test_a_decoder_that_is_missing_is_a_problem_with_its_remedy(monkeypatch):
    def missing(_):
        raise SourceError("GStreamer cannot be loaded; install it with: sudo apt install it")

    monkeypatch.setattr("edge.diagnosis.preflight.choices", missing)
    source = SourceSettings(name="door", uri=parse_uri("rtsp://a/1"), decoder="gstreamer")
    (found,) = decoder_findings([source])
    assert (found.state, "apt install" in found.text) == ("problem", True)


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
