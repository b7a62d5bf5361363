import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sinks.http_answer import Answer, retry_after_s

NOON = "Sun, 06 Nov 1994 12:00:00 GMT"
NOON_S = 784123200.0


def waits(now_s=NOON_S, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return retry_after_s(Answer(503, named, b""), now_s)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0),
        ("120", 120),
        ("86400", 3600),
        ("Sun, 06 Nov 1994 12:00:30 GMT", 30),
        ("Sun, 06 Nov 1994 11:00:00 GMT", 0),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, expected):
    assert waits(Retry_After=value) == expected


def test_a_date_is_measured_by_the_servers_clock_when_ours_is_not_set():
    later = "Sun, 06 Nov 1994 12:00:45 GMT"
    assert waits(now_s=0.0, Date=NOON, retry_after=later) == 45


@given(st.text(), st.floats(-1e12, 1e12))
def test_any_text_gives_nothing_or_a_bearable_wait(text, now_s):
    wait = waits(now_s, Retry_After=text)
    assert wait is None or 0 <= wait <= 3600
