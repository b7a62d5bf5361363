import pytest
from pydantic import TypeAdapter, ValidationError

from edge.config.quantities import ByteCount, Duration
from edge.units import amount_of_bytes, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("7d", 604800), ("1.5h", 5400), (" 5 min ", 300), ("250ms", 0.25), (12, 12)],
)
def test_durations_are_read_with_their_unit(text, expected):
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"), [("200MB", 200_000_000), ("1 GiB", 2**30), ("1.5kB", 1500), (7, 7)]
)
def test_bytes_are_read_with_their_unit(text, expected):
    assert amount_of_bytes(text) == expected


@pytest.mark.parametrize("text", ["7", "7 days", "-7d", "d", "", None, True, "1e3s"])
def test_a_duration_without_a_known_unit_is_refused_with_the_units(text):
    with pytest.raises(ValueError, match="ms, s, min, h, d"):
        seconds(text)


@pytest.mark.parametrize("kind", [Duration, ByteCount])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_settings_hold_positive_finite_amounts_only(kind, value):
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)
