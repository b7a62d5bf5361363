"""Nothing that a server or broker sends is a defect: a face is taken, or the sink says why not."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config.delivery import HttpSinkSettings, MqttSinkSettings
from edge.errors import SinkError
from edge.sinks.http import HttpSink
from edge.sinks.http_answer import Answer, judge
from edge.sinks.mqtt import MqttSink
from tests.edge.deliveries import face
from tests.says import says

LINES = [
    b"",
    b"\r\n",
    b"HTTP/1.1",
    b"HTTP/1.1 abc X\r\n\r\n",
    b"HTTP/1.1 99999999999 X\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 5000 + b"\r\n",
    b"HTTP/1.1 302 F\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 B\r\nRetry-After: " + b"9" * 5000 + b"\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    b"HTTP/1.1 200 " + b"a" * 70000,
    b"\xff" * 100,
]


@pytest.mark.parametrize("data", LINES, ids=range(len(LINES)))
def test_no_answer_of_a_server_is_a_defect(data):
    with says(data) as port:
        sink = HttpSink(HttpSinkSettings(url=f"http://127.0.0.1:{port}/", timeout=0.5), {})
        with suppress(SinkError):
            sink.send(face(1))
        sink.close()


@pytest.mark.parametrize("more", [b"", b"x" * 60_000])
def test_what_is_no_http_is_told_in_one_short_line(more):
    with says(b"220 mail.example \x1b[2J ESMTP" + more + b"\r\n") as port:
        sink = HttpSink(HttpSinkSettings(url=f"http://127.0.0.1:{port}/", timeout=5.0), {})
        with pytest.raises(SinkError) as failed:
            sink.send(face(1))
        sink.close()
    words = str(failed.value)
    assert ": what answers is no HTTP server: 220 mail.example [2J ESMTP" in words
    assert len(words) < 300


@pytest.mark.parametrize("digits", [16, 4299, 4300, 4301, 60_000])
def test_an_answer_of_a_length_beyond_reason_is_a_failed_attempt(digits):
    with says(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * digits + b"\r\n\r\nabc") as port:
        sink = HttpSink(HttpSinkSettings(url=f"http://127.0.0.1:{port}/", timeout=5.0), {})
        with pytest.raises(SinkError, match="is no length"):
            sink.send(face(1))
        sink.close()


@given(
    st.integers(100, 999),
    st.dictionaries(st.sampled_from(["Retry-After", "Date", "location"]), st.text(max_size=30)),
    st.binary(max_size=50),
)
def test_no_part_of_an_answer_is_a_defect(status, headers, text):
    with suppress(SinkError):
        judge(Answer(status, headers, text), "https://h/…", now_s=0.0, sink="hub")


PACKETS = [
    b"\x00",
    b"\x20\x03\x00\x00\x00",  # CONNACK, and then nothing right
    b"\x20\x03\x00\x00\x00" + b"\x40\x02\x00\x01" * 50,
    b"\x20\x03\x00\x00\x00\x30\xff\xff\xff\x7f",
    b"\x20\x00",
    b"\x20\x02\x00",
    b"\x20\x05\x00\x00\x02\x21\x00",
    b"\xff" * 100,
    b"\x20\xff\xff\xff\xff",
]


def sent_to_a_broker_that_says(data):
    with says(data) as port:
        broker = MqttSinkSettings(host="127.0.0.1", port=port, tls=False, timeout=0.3)
        sink = MqttSink(broker, {})
        with suppress(SinkError):  # it may have acknowledged before it was asked
            sink.send(face(1))
        sink.close()


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@settings(max_examples=10, deadline=None)
@given(st.binary(min_size=1, max_size=40))
def test_no_bytes_of_a_broker_are_a_defect(data):
    sent_to_a_broker_that_says(data)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("data", PACKETS, ids=range(len(PACKETS)))
def test_no_packet_of_a_broker_is_a_defect(data):
    sent_to_a_broker_that_says(data)
