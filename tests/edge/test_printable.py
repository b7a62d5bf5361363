"""What others say is shown, and nothing of it obeyed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.printable import printable


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("\x9b31m red", r"\x9b31m red"),
        ("over\rwritten\x08", r"over\rwritten\x08"),
        ("\x07", r"\x07"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("caf\udce9", r"caf\udce9"),
        ("two\u2028lines", r"two\u2028lines"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(said, shown):
    assert printable(said) == shown


@pytest.mark.parametrize("text", ["", "dör 😀 👩‍👧 \u202f\xa0", "two\nlines\tand a tab", r"C:\x1b"])
def test_what_it_shows_stays_as_it_is(text):
    assert printable(text) == text


@given(st.text(st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "L"))))
def test_nothing_that_is_obeyed_is_left(text):
    shown = printable(text)
    assert not {one for one in shown if one < " "} - {"\t", "\n"}
    assert shown.encode("utf-8", "surrogateescape").decode("utf-8") == shown
    assert printable(shown) == shown
