import resource

import numpy as np
import pytest

from engines.onnxruntime.heap import keep_heap_small, trim_heap
from engines.plans.own_process import in_own_process
from tests.memory import resident_bytes

FRAME = (1440, 2560, 3)
FRAMES = 20
PAGES = 1519
"""Of a picture of 1920x1080."""


def left_behind(*, settled: bool, environment: str = "") -> int:
    """Return by how much this process has grown when frames between small pieces have gone."""
    with pytest.MonkeyPatch.context() as patch:
        if environment:
            patch.setenv(environment, "1")
        if settled:
            keep_heap_small()
    np.ones(30_000_000, np.uint8)  # freed at once: from now on glibc keeps what is smaller
    before, kept = resident_bytes(), []
    frames = []
    for _ in range(FRAMES):
        frames.append(np.ones(FRAME, np.uint8))
        kept.append(np.ones(100_000, np.uint8))
    del frames
    return resident_bytes() - before


def settled() -> int:
    return left_behind(settled=True)


def untouched() -> int:
    return left_behind(settled=False)


def decided_by_the_operator() -> int:
    return left_behind(settled=True, environment="MALLOC_TOP_PAD_")


def test_large_frames_that_are_freed_go_back_to_the_system_at_once():
    frame = np.prod(FRAME)
    assert in_own_process("that keeps its heap small", settled) < 3 * frame
    # So it is worth doing: glibc as it is keeps nearly all of them.
    assert in_own_process("as it is", untouched) > FRAMES * frame / 2


def test_what_the_environment_says_of_the_heap_is_left_alone():
    assert in_own_process("of an operator", decided_by_the_operator) > FRAMES * np.prod(FRAME) / 2


def faults_of_pictures() -> int:
    """Return how many pages the system made for pictures of 6 MB, one freed after the other."""
    keep_heap_small()
    np.ones(4096 * PAGES, np.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(FRAMES):
        np.ones(4096 * PAGES, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_what_a_frame_of_1080p_takes_is_kept_for_the_next_one():
    assert in_own_process("that sees many frames", faults_of_pictures) < 2 * PAGES


@pytest.mark.parametrize("function", [keep_heap_small, trim_heap])
def test_without_glibc_nothing_is_done(monkeypatch, function):
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    function()
