"""A camera that cannot be opened: the error names what somebody must correct."""

import os
import socket
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from edge.errors import LoginRefusedError, SourceError
from edge.pipeline.trial import frames_of
from edge.sources.network.rtsp_redirect import refuse_redirection
from edge.sources.open import frame_source
from tests.edge.cameras import camera_settings
from tests.edge.motion_jpeg import motion_jpeg
from tests.edge.rtsp import RtspCamera
from tests.edge.sources.network.test_rtsp_redirect import DIGEST, camera, says
from tests.edge.sources.test_confined import processes
from tests.edge.watching import PATIENCE_S

SECRET = "hunter2"


@pytest.fixture(scope="module")
def guarded():
    server = RtspCamera(login=f"admin:{SECRET}")
    server.start()
    yield server
    server.kill()


def address(server, login="", path="cam"):
    return f"rtsp://{login}127.0.0.1:{server.port}/{path}"


def failure(uri, **keys):
    """Return what the camera's own process says of it, as the gate hears it."""
    settings = camera_settings(uri, **{"open_timeout": PATIENCE_S} | keys)
    with pytest.raises(SourceError) as raised:
        next(frame_source(settings, print).frames())
    assert SECRET not in str(raised.value)
    return raised.value


def test_the_right_login_gives_pictures_and_no_process_shows_it(guarded, decoder):
    keys = {"open_timeout": PATIENCE_S, "decoder": decoder}
    settings = camera_settings(address(guarded, f"admin:{SECRET}@"), **keys)
    with closing(frames_of(settings)) as frames:
        assert next(frames).pixels.shape == (240, 320, 3)
        (process,) = processes(os.getpid())
        for shown in ("cmdline", "environ"):
            assert SECRET.encode() not in Path(f"/proc/{process}/{shown}").read_bytes()


def test_a_wrong_login_is_named_and_is_a_refused_login(guarded):
    error = failure(address(guarded, "admin:wrong@"))
    assert isinstance(error, LoginRefusedError)
    assert "refuses the login (401): correct user and password in uri" in str(error)


def test_the_secret_of_a_wrong_login_is_named(guarded, monkeypatch):
    monkeypatch.setenv("EDGE_GATE_DOOR_LOGIN", "admin:wrong")
    error = failure(address(guarded), login={"name": "door-login"})
    assert "of the secret 'door-login'" in str(error)


def test_a_missing_login_is_asked_for(guarded):
    error = failure(address(guarded))
    assert isinstance(error, LoginRefusedError)  # trying again would not bring one
    assert "asks for a login (401), and none is given" in str(error)


def test_a_wrong_path_is_named(guarded):
    error = failure(address(guarded, f"admin:{SECRET}@", "nope"))
    assert "nothing at this path (404)" in str(error)


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_port_where_nothing_listens_is_named(scheme):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert f"nothing listens at port {port}" in str(failure(f"{scheme}://127.0.0.1:{port}/cam"))


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_an_unknown_host_is_named(scheme):
    assert "the host camera.invalid is not known" in str(failure(f"{scheme}://camera.invalid/cam"))


def test_a_port_of_another_service_is_told_from_a_wrong_host():
    with motion_jpeg() as port:
        error = failure(f"rtsp://127.0.0.1:{port}/cam", open_timeout=1.0)
    assert "answers, but gives no video within 1 s" in str(error)


@contextmanager
def http_camera(status):
    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    with motion_jpeg(camera=Refusing) as port:
        yield f"127.0.0.1:{port}/snapshot.jpg"


@pytest.mark.parametrize(
    ("status", "login", "words", "is_login"),
    [
        (401, f"admin:{SECRET}@", "refuses the login (401)", True),
        (401, "", "asks for a login (401)", True),
        (403, f"admin:{SECRET}@", "forbids this (403)", True),
        (404, "", "nothing at this path (404)", False),
        (503, "", "refuses this", False),
    ],
)
def test_what_a_camera_answers_over_http_is_named(status, login, words, is_login):
    with http_camera(status) as rest:
        error = failure(f"http://{login}{rest}")
    assert words in str(error)
    assert isinstance(error, LoginRefusedError) == is_login


def test_a_refused_login_is_not_given_a_second_time():
    with camera(says(401, f"WWW-Authenticate: {DIGEST}", "Content-Length: 0")) as (port, heard):
        failure(f"rtsp://admin:{SECRET}@127.0.0.1:{port}/cam")
    assert sum("Authorization" in request for request in heard) == 1


def test_a_stale_nonce_is_no_refused_login():
    stale = f"WWW-Authenticate: {DIGEST}, stale=true"
    with camera(says(401, stale, "Content-Length: 0")) as (port, _):
        settings = camera_settings(f"rtsp://admin:{SECRET}@127.0.0.1:{port}/cam")
        refuse_redirection(settings.uri, settings)
