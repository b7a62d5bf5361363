"""Real cameras over TLS: whose certificate is accepted, and what is said about the others."""

import socket
import ssl
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from edge.config.tls import authorities
from edge.errors import ConfigError, SourceError
from edge.sources.open import frame_source
from tests.edge.cameras import camera_settings
from tests.edge.motion_jpeg import motion_jpeg
from tests.edge.rtsp import RtspCamera
from tests.edge.system_gstreamer import need_gstreamer
from tests.edge.watching import PATIENCE_S

OURS = "127.0.0.1"


@pytest.fixture
def rtsps(authority, tmp_path):
    """Return the address of a running camera whose certificate has a name."""
    need_gstreamer()
    cameras = []

    @contextmanager
    def running(name):
        pem = tmp_path / "camera.pem"
        authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(pem))
        camera = RtspCamera(certificate=pem)
        cameras.append(camera)
        camera.start()
        yield camera.uri

    yield running
    for camera in cameras:
        camera.kill()


@pytest.fixture
def https(authority):
    @contextmanager
    def running(name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        with motion_jpeg(context) as port:
            yield f"https://{OURS}:{port}/video.mjpg"

    return running


@pytest.fixture(params=["rtsps", "https"])
def running(request):
    return request.getfixturevalue(request.param)


def first_frame(uri, **keys):
    seconds = {"open_timeout": PATIENCE_S, "read_timeout": PATIENCE_S}
    frames = frame_source(camera_settings(uri, **seconds, **keys), print).frames()
    return next(iter(frames))


def test_a_camera_of_the_named_authority_is_received(running, ca_file, decoder):
    with running(OURS) as uri:
        assert first_frame(uri, ca_file=ca_file, decoder=decoder).pixels.ndim == 3


def test_a_camera_of_an_unknown_authority_is_refused_with_the_next_step(running):
    with (
        running(OURS) as uri,
        pytest.raises(SourceError, match=r"certificate is refused: .*with ca_file.*openssl"),
    ):
        first_frame(uri)


def test_a_certificate_for_another_address_is_refused(running, ca_file):
    with (
        running("camera.example") as uri,
        pytest.raises(SourceError, match=r"not valid for '127\.0\.0\.1'"),
    ):
        first_frame(uri, ca_file=ca_file)


def test_a_certificate_is_not_checked_only_where_that_is_written(running):
    with running("camera.example") as uri:
        assert first_frame(uri, verify_certificate=False).pixels.ndim == 3


def test_a_camera_without_tls_is_named_as_such(ca_file):
    with motion_jpeg() as port, pytest.raises(SourceError, match="does not answer in TLS"):
        first_frame(f"https://{OURS}:{port}/", ca_file=ca_file)


def test_a_camera_that_is_away_is_no_matter_of_certificates(ca_file):
    with socket.create_server((OURS, 0)) as taken:
        uri = f"https://{OURS}:{taken.getsockname()[1]}/"
    with pytest.raises(SourceError, match="nothing listens at port"):
        first_frame(uri, ca_file=ca_file)


def test_a_redirection_to_an_address_without_tls_is_not_followed(authority, ca_file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(OURS).configure_cert(context)
    with motion_jpeg() as plain:

        class Elsewhere(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(302)
                self.send_header("Location", f"http://{OURS}:{plain}/video.mjpg")
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        with (
            motion_jpeg(context, Elsewhere) as port,
            pytest.raises(SourceError, match="cannot be opened"),
        ):
            first_frame(f"https://{OURS}:{port}/", ca_file=ca_file)


def test_a_file_that_holds_no_authority_is_named_before_anything_is_opened(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    settings = camera_settings("rtsps://camera/", ca_file=tmp_path / "ca.pem")
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        frame_source(settings, print)


def test_the_authorities_of_the_system_are_found():
    assert "BEGIN CERTIFICATE" in authorities().read_text()
