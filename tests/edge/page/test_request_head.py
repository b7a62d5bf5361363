import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.page.request_head import MOST_HEAD, Punctual, head_problem, read_fields

LINE = b"GET / HTTP/1.1\r\n"


def problem(fields, line=LINE):
    return head_problem(line, read_fields(io.BytesIO(fields)))


def test_what_browsers_and_programs_send_is_a_head():
    assert problem(b"Host: localhost:8787\r\nCookie: a=b; c=d\r\nX-\xe9: \r\n\r\n") is not None
    assert problem(b"Host: localhost:8787\r\nAccept: */*\r\nX-Empty:\r\nX: \xe9\r\n\r\n") is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (b"\r\n", "Host is missing"),
        (b"Host: a\r\nHost: b\r\n\r\n", "host is given twice"),
        (b"Host: a\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n", "content-length is given"),
        (b"Host: a\r\n folded\r\n\r\n", "NAME: VALUE"),
        (b"Host : a\r\n\r\n", "NAME: VALUE"),
        (b"Host: a\rX: b\r\n\r\n", "NAME: VALUE"),
        (b"Host: a\0\r\n\r\n", "NAME: VALUE"),
        (b"Host: a\n\r\n", "NAME: VALUE"),
        (b"no colon\r\nHost: a\r\n\r\n", "NAME: VALUE"),
        (b"From me\r\nHost: a\r\n\r\n", "NAME: VALUE"),
        (b"Host: a\r\n\n", "no end"),
        (b"Host: a\r\n", "no end"),
        (b"Host: a\r\n" + b"X: y\r\n" * MOST_HEAD, "no end within"),
        (b"Host: " + b"a" * MOST_HEAD + b"\r\n\r\n", "no end within"),
    ],
)
def test_what_two_readers_could_understand_differently_is_no_head(fields, words):
    assert words in (problem(fields) or "")


@pytest.mark.parametrize(
    "line",
    [
        b"GET /\r\n",
        b"GET / HTTP/0.9\r\n",
        b"GET / HTTP/2.0\r\n",
        b"GET  / HTTP/1.1\r\n",
        b"GET /\t HTTP/1.1\r\n",
        b"GET http://a/ HTTP/1.1\r\n",
        b"GET * HTTP/1.1\r\n",
        b"get / HTTP/1.1\r\n",
        b"GET /\xe9 HTTP/1.1\r\n",
        b"GET / HTTP/1.1\n",
        b"\r\n",
    ],
)
def test_a_first_line_names_a_method_and_a_path_of_ours(line):
    assert "first line" in (problem(b"Host: a\r\n\r\n", line) or "")


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_bytes_are_more_than_a_wrong_head(line, fields):
    found = head_problem(line, read_fields(io.BytesIO(fields)))
    assert found is None or isinstance(found, str)


class Drip:
    """A client that sends a byte each few seconds."""

    def __init__(self, every_s):
        self.now_s, self.every_s, self.timeout_s = 0.0, every_s, None

    def settimeout(self, timeout_s):
        self.timeout_s = timeout_s

    def recv_into(self, buffer):
        self.now_s += min(self.every_s, self.timeout_s)
        if self.every_s > self.timeout_s:
            raise TimeoutError
        buffer[:1] = b"a"
        return 1


def test_a_request_that_drips_has_the_time_of_one_request():
    client = Drip(every_s=3)
    lines = io.BufferedReader(Punctual(client, 10, lambda: client.now_s))
    with pytest.raises(TimeoutError):
        lines.readline()
    assert client.now_s == 13  # the silence before its first byte, and ten seconds


def test_each_request_has_its_own_time():
    client = Drip(every_s=3)
    reader = Punctual(client, 10, lambda: client.now_s)
    for _ in range(9):
        reader.begin()
        assert reader.read(1) == b"a"


def test_a_silence_ends_a_connection():
    client = Drip(every_s=11)
    with pytest.raises(TimeoutError):
        Punctual(client, 10, lambda: client.now_s).read(1)
