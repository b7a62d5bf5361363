import json
import os

import pytest

from edge.errors import SinkError
from edge.protocols import Sink
from edge.sinks.stdout import StdoutSink
from tests.edge.deliveries import face


def test_each_face_is_one_line_that_arrives_at_once():
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "wb") as stream, os.fdopen(read_end, "rb") as reader:
        sink: Sink = StdoutSink(stream)
        for number in (1, 2):
            sink.send(face(number))
            assert json.loads(reader.readline()) == json.loads(face(number).record)


def test_a_reader_that_has_gone_is_an_error():
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb", buffering=0) as stream:
        sink = StdoutSink(stream)
        with pytest.raises(SinkError, match="Broken pipe"):
            sink.send(face(1))
