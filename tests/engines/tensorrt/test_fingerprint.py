"""A plan runs where it was built for; what differs is said, what is unknown is not compared."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.tensorrt.fingerprint import Fingerprint, differences

ORIN = Fingerprint("tensorrt", "10.3.0", "aarch64", "8.7", 8, "Orin Nano", "12.6", "36.4.3")

known = st.builds(
    Fingerprint,
    flavour=st.sampled_from(["tensorrt", "rtx"]),
    tensorrt=st.sampled_from(["10.3.0", "10.3.0.30", "10.7.0", "8.5.2"]) | st.none(),
    architecture=st.sampled_from(["aarch64", "x86_64"]),
    compute_capability=st.sampled_from(["8.7", "7.2"]) | st.none(),
    multiprocessors=st.sampled_from([8, 16]) | st.none(),
)


@given(known)
def test_a_machine_differs_from_itself_in_nothing(machine):
    assert differences(machine, machine) == ()


@given(known, known)
def test_differing_is_mutual(first, second):
    assert bool(differences(first, second)) == bool(differences(second, first))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("tensorrt", "10.7.0", "built for TensorRT 10.3.0, this machine has 10.7.0"),
        ("compute_capability", "7.2", "compute capability 8.7, this machine has 7.2"),
        ("multiprocessors", 16, "multiprocessors 8, this machine has 16"),
        ("architecture", "x86_64", "architecture aarch64, this machine has x86_64"),
        ("flavour", "rtx", "library tensorrt, this machine has rtx"),
    ],
)
def test_each_difference_names_both_sides(field, value, words):
    assert words in differences(ORIN, replace(ORIN, **{field: value}))[0]


@pytest.mark.parametrize("field", ["tensorrt", "compute_capability", "multiprocessors"])
def test_what_is_not_known_yet_is_not_compared(field):
    unknown: dict[str, Any] = {field: None}
    assert differences(ORIN, replace(ORIN, **unknown)) == ()


def test_the_packages_three_part_version_is_the_plans_four_part_one():
    assert differences(ORIN, replace(ORIN, tensorrt="10.3.0.30")) == ()


def test_version_10_30_is_not_taken_for_10_3():
    assert differences(ORIN, replace(ORIN, tensorrt="10.30.0")) != ()


@pytest.mark.parametrize(("field", "value"), [("device", "x"), ("cuda", "12.8"), ("l4t", "36.5")])
def test_what_is_recorded_for_people_makes_no_plan_useless(field, value):
    assert differences(ORIN, replace(ORIN, **{field: value})) == ()
