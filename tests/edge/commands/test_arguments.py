import argparse
from pathlib import Path

import pytest

from edge.commands.arguments.shared.numbers import between, to_positive, to_share, whole
from edge.commands.arguments.shared.paths import to_path


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (to_share, "30%", "'30%' is no number, such as 6 or 0.3"),
        (to_share, "30", "30 is not between 0 and 1; 30 % is written 0.3"),
        (to_share, "0", "0 is not between 0 and 1"),
        (to_positive, "0", "0 is not above 0"),
        (to_positive, "inf", "inf is not finite"),
        (between(0, 100), "nan", "nan is not finite"),
        (between(0, 100), "100.5", "100.5 is not between 0 and 100"),
        (whole(1, 10_000), "0", "0 is not between 1 and 10,000"),
        (whole(1, 10_000), "1.5", "1.5 is no whole number"),
        (whole(1, 10_000), "", "'' is no number"),
        (to_path, "", "a path must not be empty"),
        (to_path, "~/faces", "~/faces: the shell replaces ~ only without quotes or ="),
        (to_path, "rtsp://10.0.0.7/live", "an address is no file or folder; 'edge-gate init"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_would_be(read, text, message):
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        read(text)
    assert str(refused.value).startswith(message)


def test_both_ends_of_a_range_belong_to_it():
    assert (between(0, 100)("0"), between(0, 100)("100")) == (0.0, 100.0)
    assert (whole(1, 64)("1"), whole(1, 64)("64")) == (1, 64)


@pytest.mark.parametrize("text", ["file:///srv/faces", "/srv/faces"])
def test_the_address_of_a_file_is_its_path(text):
    assert to_path(text) == Path("/srv/faces")
