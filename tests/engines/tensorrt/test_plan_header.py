"""Plans are recognised by 28 bytes, of RTX plans made by NVIDIA's builder too (see test_rtx)."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.tensorrt.errors import PlanIntegrityError
from engines.tensorrt.plan_header import HEADER_BYTES, PlanHeader, read_header


def header(
    letters: bytes = b"ftrt", size: int = 0, version=(10, 3, 0, 30), serialisation: int = 0
) -> bytes:
    return struct.pack("<4sI8xQ4B", letters, serialisation, size, *version)


def read(head: bytes, size: int) -> PlanHeader:
    found = read_header(head, size, "x.plan")
    assert found is not None
    return found


def test_the_version_is_read_as_tensorrt_prints_it():
    assert read(header(), 28).version_text == "10.3.0.30"


@pytest.mark.parametrize(("letters", "flavour"), [(b"ftrt", "tensorrt"), (b"vtrt", "rtx")])
def test_the_letters_tell_the_library(letters, flavour):
    assert read(header(letters, 28), 28).flavour == flavour


@given(st.integers(0, HEADER_BYTES - 1))
def test_a_file_cut_within_its_header_is_no_plan(length):
    with pytest.raises(PlanIntegrityError, match="are no plan"):
        read_header(header()[:length], length, "x.plan")


@given(st.binary(min_size=HEADER_BYTES).filter(lambda head: head[:4] not in {b"ftrt", b"vtrt"}))
def test_any_other_beginning_is_not_judged(head):
    # TensorRT 8.5 begins with other letters; what was changed is found by the SHA-256.
    assert read_header(head, len(head), "x.plan") is None


@given(st.integers(1, 2**32 - 1), st.sampled_from([b"ftrt", b"vtrt"]))
def test_another_version_of_the_format_is_not_judged(serialisation, letters):
    # It may have its version and its size elsewhere.
    assert read_header(header(letters, serialisation=serialisation), 28, "x.plan") is None


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_an_rtx_plan_of_another_size_than_it_declares_was_cut_short(declared, actual):
    head = header(b"vtrt", declared)
    if declared == actual:
        assert read(head, actual).flavour == "rtx"
    else:
        with pytest.raises(PlanIntegrityError, match=f"is {actual} bytes, declares {declared}"):
            read_header(head, actual, "x.plan")


@given(st.tuples(*[st.integers(0, 255)] * 4))
def test_every_version_comes_back(version):
    assert read(header(version=version), 28).version == version
