"""A camera's login goes to that camera and to nobody else."""

import re
import threading
from base64 import b64encode
from contextlib import contextmanager
from hashlib import md5
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from edge.config.source import SourceSettings
from edge.config.uri import parse_uri
from edge.errors import SourceError
from edge.sources.ffmpeg import BUSY_S, NetworkCamera
from edge.sources.network.rtsp_redirect import Login, authorization, refuse_redirection

DIGEST = 'Digest realm="cam", nonce="abc", algorithm=MD5'
BASIC = 'Basic realm="cam"'
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
"""Section 3.9.1."""


class _Served(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), _Camera)
        self.answer, self.heard = answer, []


class _Camera(StreamRequestHandler):
    server: _Served

    def handle(self):
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = self.rfile.readline()
                if not line:
                    return
                head += line
            self.server.heard.append(head.decode())
            self.wfile.write(self.server.answer(head.decode()).encode())


@contextmanager
def camera(answer):
    """Serve what `answer` makes of each request; yield the port and what was heard."""
    with _Served(answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], server.heard
        server.shutdown()


def says(status, *headers):
    """Return what answers every request but OPTIONS like this."""

    def answer(request):
        (sequence,) = re.findall(r"(?i)cseq: *(\d+)", request)
        if request.startswith("OPTIONS"):
            return f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nPublic: DESCRIBE\r\n\r\n"
        lines = [f"RTSP/1.0 {status} X", f"CSeq: {sequence}", *headers, "", ""]
        return "\r\n".join(lines)

    return answer


def to(port):
    return says(302, f"Location: rtsp://127.0.0.1:{port}/steal")


def only_after_login(challenge, port):
    def answer(request):
        wanted = says(401, f"WWW-Authenticate: {challenge}", "Content-Length: 0")
        return (to(port) if "Authorization" in request else wanted)(request)

    return answer


def http_to(port):
    return lambda _: (
        f"HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:{port}/x\r\nContent-Length: 0\r\n\r\n"
    )


def opened(scheme, port, wait=None):
    uri = parse_uri(f"{scheme}://admin:secret@127.0.0.1:{port}/cam")
    settings = SourceSettings(name="cam", uri=uri, open_timeout=5.0, read_timeout=5.0)
    return NetworkCamera(settings, lambda: settings.uri, *([wait] if wait else []))


def test_a_camera_that_is_busy_with_our_question_is_asked_again_before_it_is_given_up():
    waited: list[float] = []
    with camera(says(503, "Content-Length: 0")) as (port, heard):
        source = opened("rtsp", port, waited.append)
        with pytest.raises(SourceError, match="refuses this"):
            next(source.frames())
    assert waited == list(BUSY_S)
    assert sum(each.startswith("DESCRIBE") for each in heard) == 1 + len(BUSY_S) + 1


@pytest.mark.parametrize("when", ["at once", "after Digest", "after Basic"])
def test_a_redirection_of_a_camera_with_a_login_is_refused_before_anybody_else_hears_of_it(when):
    with camera(says(401, f"WWW-Authenticate: {BASIC}")) as (thief, stolen):
        honest = {
            "at once": to(thief),
            "after Digest": only_after_login(DIGEST, thief),
            "after Basic": only_after_login(BASIC, thief),
        }[when]
        with camera(honest) as (port, _):
            refused = pytest.raises(SourceError, match=f"redirects to rtsp://127.0.0.1:{thief}")
            with refused as error:
                next(opened("rtsp", port).frames())
        assert stolen == []
        assert "secret" not in str(error.value)


def honest_to_us_only(answer):
    """Return what is an honest camera for our question, and `answer` for FFmpeg's."""

    def chosen(request):
        wanted = says(401, f"WWW-Authenticate: {DIGEST}", "Content-Length: 0")
        ours = says(200, "Content-Length: 0") if "Authorization" in request else wanted
        return (ours if "User-Agent: edge-gate" in request else answer)(request)

    return chosen


def test_who_answers_for_a_camera_learns_its_login_without_any_redirection():
    """What docs/security.md calls not defended: passing it on tells nothing more."""
    basic = says(401, f"WWW-Authenticate: {BASIC}", "Content-Length: 0")
    with camera(honest_to_us_only(basic)) as (port, heard), pytest.raises(SourceError):
        next(opened("rtsp", port).frames())
    in_clear = b64encode(b"admin:secret").decode()
    assert any(f"Basic {in_clear}" in request for request in heard)


def test_a_redirection_over_http_does_not_carry_the_login():
    wants = f"HTTP/1.1 401 U\r\nWWW-Authenticate: {BASIC}\r\nContent-Length: 0\r\n\r\n"
    with (
        camera(lambda _: wants) as (thief, stolen),
        camera(http_to(thief)) as (port, _),
        pytest.raises(SourceError),
    ):
        next(opened("http", port).frames())
    assert not [head for head in stolen if "authorization" in head.lower()]


def test_a_camera_without_a_login_is_not_asked():
    with camera(to(1)) as (port, heard):
        uri = parse_uri(f"rtsp://127.0.0.1:{port}/cam")
        refuse_redirection(uri, SourceSettings(name="cam", uri=uri))
    assert heard == []


@pytest.mark.parametrize(
    "answer",
    [
        says(200, "Content-Length: 99999999999999999999"),
        says(200, "Content-Length: 5"),
        says(404),
        lambda _: "HTTP/1.1 200 OK\r\n\r\n",
        lambda _: "RTSP/1.0 9999999999 X\r\n\r\n",
        lambda _: "RTSP/1.0\r\n\r\n",
        lambda _: "x" * 200_000,
        says(401, "WWW-Authenticate: Digest", "WWW-Authenticate: Unknown x=y"),
    ],
)
def test_a_camera_that_answers_nonsense_is_left_to_ffmpeg(answer):
    with camera(answer) as (port, _):
        uri = parse_uri(f"rtsp://admin:secret@127.0.0.1:{port}/cam")
        settings = SourceSettings(name="cam", uri=uri, open_timeout=0.3)
        refuse_redirection(uri, settings)


def test_digest_goes_before_basic_as_the_rfc_computes_it():
    challenges = [BASIC, RFC_7616]
    login = Login("Mufasa", "Circle of Life")
    nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    found = authorization(challenges, login, "GET", "/dir/index.html", nonce)
    assert "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" in (found or "")


def test_a_digest_without_qop_is_the_one_of_older_cameras():
    found = authorization([DIGEST], Login("admin", "secret"), "DESCRIBE", "rtsp://h/x")
    first, second = (
        md5(text.encode(), usedforsecurity=False).hexdigest()
        for text in ("admin:cam:secret", "DESCRIBE:rtsp://h/x")
    )
    both = f"{first}:abc:{second}".encode()
    assert f'response="{md5(both, usedforsecurity=False).hexdigest()}"' in (found or "")
