"""Timings are kept for each TensorRT and device, whole."""

from dataclasses import replace

from engines.plans.builder.timing_cache import default_path, read_timings, write_timings
from tests.engines.tensorrt.plans import World


def test_there_are_none_before_the_first_build(tmp_path):
    assert read_timings(tmp_path / "x.timing") == b""


def test_what_was_written_is_read(tmp_path):
    write_timings(tmp_path / "deep" / "x.timing", b"timings")
    assert read_timings(tmp_path / "deep" / "x.timing") == b"timings"


def test_another_tensorrt_or_device_has_another_file(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGE_GATE_CACHE", str(tmp_path))
    here = World().built_for()
    others = [
        replace(here, tensorrt="10.7.0"),
        replace(here, multiprocessors=16),
        replace(here, compute_capability="7.2"),
        replace(here, flavour="rtx"),
    ]
    assert len({default_path(each) for each in [here, *others]}) == 5
