"""What docs/protocol.md tells a receiver, held to what a receiver gets."""

import json
import re
from collections.abc import Callable
from typing import Any, cast

import pytest

from edge.config.delivery import HttpSinkSettings, MqttSinkSettings, Secret
from edge.delivery.record import FaceRecord, record_schema
from edge.monitoring.status import status_schema
from edge.reports.field_tables import field_tables
from edge.sinks.http import HttpSink
from tests.documents import ROOT, blocks
from tests.edge.deliveries import face
from tests.edge.face_server import serving

PAGE = ROOT / "docs" / "protocol.md"
SECRET = "a secret of at least 16"


def between(name):
    text = PAGE.read_text(encoding="utf-8")
    return text.partition(f"<!-- {name} -->\n")[2].partition(f"\n<!-- end of {name} -->")[0]


@pytest.mark.parametrize(("name", "schema"), [("record", record_schema), ("status", status_schema)])
def test_the_page_documents_every_field_as_it_is(name, schema):
    assert between(name) == field_tables(schema()), (
        f"put the output of 'edge-gate schema {name} --markdown' between the marks of {PAGE.name}"
    )


def recipe() -> Callable[[bytes, str, str], bool]:
    """Return the function that the page gives to receivers."""
    names: dict[str, Any] = {}
    for block in blocks():
        if block.page == PAGE and block.language == "python":
            exec(block.text, names)
    return cast("Callable[[bytes, str, str], bool]", names["is_genuine"])


def test_the_recipe_of_the_page_accepts_what_the_gate_sends_and_nothing_else(tmp_path):
    (tmp_path / "secret").write_text(SECRET)
    is_genuine = recipe()
    with serving() as server:
        secret = Secret(name="signing", file=tmp_path / "secret")
        sink = HttpSink(HttpSinkSettings(url=server.url, signing_secret=secret))
        sink.send(face(1))
        sink.close()
    (posted,) = server.posted
    header = posted.headers["x-edge-gate-signature"]
    assert is_genuine(posted.body, header, SECRET)
    assert not is_genuine(posted.body + b" ", header, SECRET)
    assert not is_genuine(posted.body, header, SECRET[:-1])


def test_the_request_on_the_page_is_the_one_that_is_sent():
    (shown,) = (block.text for block in blocks() if block.page == PAGE and block.language == "http")
    named = set(re.findall(r"^([A-Za-z-]+):", shown, re.MULTILINE))
    with serving() as server:
        sink = HttpSink(HttpSinkSettings(url=server.url))
        sink.send(face(1))
        sink.close()
    (posted,) = server.posted
    own = {name.lower() for name in named} - {"authorization", "x-edge-gate-signature"}
    assert own <= posted.headers.keys()
    FaceRecord.model_validate(json.loads(posted.part("record")[1]))


def test_the_keys_that_send_an_operator_to_the_page_are_there():
    for settings, key in ((HttpSinkSettings, "signing_secret"), (MqttSinkSettings, "status")):
        assert "docs/protocol.md" in settings.model_json_schema()["properties"][key]["description"]
