"""`check --connect` tries what a configuration names, against real cameras, servers and brokers."""

import json
import shutil

import pytest

from edge.__main__ import main
from edge.config.file import read_config
from edge.protocols import connection_of
from edge.sinks.open import open_sink
from tests.edge.deliveries import face
from tests.edge.face_server import serving
from tests.edge.mqtt_broker import running, subscribed, wait_for
from tests.edge.rtsp import RtspCamera
from tests.pairs import put_pair

pytestmark = pytest.mark.registry

GATE = """\
pair: pair
detector: {{name: ultraface68}}
sources:
  - {{name: door, uri: "rtsp://127.0.0.1:{port}/cam", login: {{name: door-login, file: login}}}}
sinks:
  - {{type: directory, path: faces, keep_at_most: 1}}
  - {{type: http, url: "{url}"}}
  - {{type: mqtt, host: 127.0.0.1, port: {broker}, tls: false, device: box, timeout: 2s}}
"""


@pytest.fixture(scope="module")
def camera():
    server = RtspCamera(login="admin:hunter2")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def broker(tmp_path):
    with running(tmp_path) as started:
        yield started


@pytest.fixture
def gate(tmp_path, camera, broker):
    put_pair(tmp_path)
    (tmp_path / "login").write_text("admin:hunter2\n")
    with serving() as server:
        port, url = camera.port, server.url
        text = GATE.format(port=port, url=url, broker=broker.port)
        (tmp_path / "gate.yaml").write_text(text)
        yield tmp_path / "gate.yaml", server


def test_each_thing_is_tried_and_told_in_a_line(gate, capsys, broker):
    path, server = gate
    (path.parent / "faces").mkdir()
    with subscribed(broker) as heard:
        assert main(["check", "--connect", str(path)]) == 0
        message = wait_for(heard, "/face")
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split(":")[0].split(maxsplit=1) for line in lines] == [
        ["ok", "pair"],
        ["ok", "decoder of door"],
        ["ok", "camera door"],
        ["ok", "sink directory"],
        ["ok", "sink http"],
        ["ok", "sink mqtt"],
    ]
    assert "auto: H.264 by " in lines[1]
    assert "one frame of 320 x 240 pixels" in lines[2]
    assert list((path.parent / "faces").iterdir()) == []
    (posted,) = server.posted
    assert json.loads(posted.part("record")[1])["test"] is True
    assert message.topic == "edge-gate/box/test/face"
    assert json.loads(message.payload)["test"] is True


def test_what_does_not_work_says_what_to_do(gate, capsys):
    path, _ = gate
    (path.parent / "login").write_text("admin:wrong")
    text = path.read_text().replace("type: http, url: ", "type: http, name: dead, url: ")
    path.write_text(text.replace(text.split("url: ")[1].split("}")[0], '"http://127.0.0.1:1/"'))
    assert main(["check", "--connect", "--config", str(path)]) == 1
    out = capsys.readouterr().out
    assert "problem  camera door: rtsp://" in out
    assert "correct user and password of the secret 'door-login'" in out
    assert "problem  sink dead: http://127.0.0.1:1" in out
    assert "hunter2" not in out


def test_a_folder_that_is_full_loses_no_face_to_a_test(gate, capsys):
    path, _ = gate
    open_sink(read_config(path).config.sinks[0]).send(face(1))
    before = sorted((path.parent / "faces").iterdir())
    main(["check", "--connect", str(path)])
    assert "a test face was written" in capsys.readouterr().out
    assert sorted((path.parent / "faces").iterdir()) == before


def test_a_running_gate_keeps_its_session_at_the_broker(gate):
    sink = open_sink(read_config(gate[0]).config.sinks[2])
    sink.idle()
    assert main(["check", "--connect", str(gate[0])]) == 0
    assert connection_of(sink).losses == {}
    sink.close()


def test_a_secret_that_is_nowhere_is_a_mistake(gate, capsys):
    path, _ = gate
    (path.parent / "login").unlink()
    assert main(["check", str(path)]) == 78
    assert "sources[0].login: secret file" in capsys.readouterr().err


def test_a_login_without_a_colon_is_a_mistake(gate, capsys):
    path, _ = gate
    (path.parent / "login").write_text("hunter2")
    assert main(["check", str(path)]) == 78
    error = capsys.readouterr().err
    assert "sources[0].login: the secret 'door-login' is not written user:password" in error
    assert "hunter2" not in error


def test_doctor_knows_the_cameras(gate, capsys):
    path, _ = gate
    (path.parent / "login").write_text("admin:wrong")
    assert main(["doctor", "--json", "--config", str(path)]) == 1
    found = {each["topic"]: each for each in json.loads(capsys.readouterr().out)}
    assert "refuses the login" in found["camera door"]["text"]


def test_the_usual_configuration_is_found(gate, monkeypatch, capsys):
    path, _ = gate
    monkeypatch.chdir(path.parent)
    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith("gate.yaml: OK")
    shutil.move(path, path.parent / "other.yaml")
    assert main(["check"]) == 64
    assert "neither gate.yaml nor /etc/edge-gate/gate.yaml" in capsys.readouterr().err
