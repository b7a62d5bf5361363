import base64
import hashlib
import hmac
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import replace

import pytest

from edge.config.delivery import HttpSinkSettings, Secret
from edge.errors import ConfigError, SinkBusyError, SinkError, SinkRefusedError
from edge.protocols import Sink
from edge.sinks.http import HttpSink
from tests.edge import face_server
from tests.edge.deliveries import face
from tests.edge.face_server import answers

TOKEN = {
    "EDGE_GATE_HTTP_TOKEN": "abc.def",
    "EDGE_GATE_SIGNING": "s3cret",
    "EDGE_GATE_HTTP_LOGIN": "gate:open sesame",
}
TAKEN = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def server():
    with face_server.serving() as serving:
        yield serving


@pytest.fixture
def open_sink(server):
    """Open sinks to the server, impatient ones."""
    opened = []

    def opens(**keys):
        settings = HttpSinkSettings(**{"url": server.url, "timeout": 5.0} | keys)
        opened.append(HttpSink(settings, TOKEN))
        return opened[-1]

    yield opens
    for sink in opened:
        sink.close()


def server_context(authority, name="localhost"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_server_receives_record_and_face_image_byte_for_byte(server, open_sink):
    sink: Sink = open_sink()
    sink.send(face(1))
    [posted] = server.posted
    assert posted.part("record") == ("application/json", face(1).record)
    assert posted.part("face_image") == ("image/png", face(1).face_image)
    assert posted.headers["idempotency-key"] == face(1).key
    assert posted.path == "/faces?site=7"


def test_an_address_without_a_path_asks_for_the_root(server, open_sink):
    """A request target begins with a slash (RFC 9112, 3.2.1); servers answer 400 to others."""
    open_sink(url=server.url.replace("/faces", "")).send(face(1))
    [posted] = server.posted
    assert posted.path == "/?site=7"


def test_many_faces_share_one_connection(server, open_sink):
    sink = open_sink()
    for number in range(5):
        sink.send(face(number))
    assert len({posted.port for posted in server.posted}) == 1


def test_a_face_sent_again_has_the_same_key_and_body(server, open_sink):
    open_sink().send(face(1))
    open_sink().send(face(1))
    first, second = server.posted
    assert (first.headers["idempotency-key"], first.body) == (
        second.headers["idempotency-key"],
        second.body,
    )


def test_token_is_sent_as_bearer(server, open_sink):
    open_sink(token=Secret(name="http-token")).send(face(1))
    assert server.posted[0].headers["authorization"] == "Bearer abc.def"


def test_a_login_is_sent_as_basic(server, open_sink):
    open_sink(login=Secret(name="http-login")).send(face(1))
    wanted = base64.b64encode(b"gate:open sesame").decode()
    assert server.posted[0].headers["authorization"] == f"Basic {wanted}"


def test_a_login_without_a_colon_is_a_mistake_of_the_configuration(open_sink):
    with pytest.raises(ConfigError, match="user:password"):
        open_sink(login=Secret(name="http-token"))


def test_signature_is_the_hmac_of_the_whole_body(server, open_sink):
    open_sink(signing_secret=Secret(name="signing")).send(face(1))
    expected = hmac.new(b"s3cret", server.posted[0].body, hashlib.sha256).hexdigest()
    assert server.posted[0].headers["x-edge-gate-signature"] == f"sha256={expected}"


def test_neither_token_nor_signature_is_sent_unasked(server, open_sink):
    open_sink().send(face(1))
    assert not {"authorization", "x-edge-gate-signature"} & set(server.posted[0].headers)


def test_a_missing_token_is_a_mistake_of_the_configuration(open_sink):
    with pytest.raises(ConfigError, match="EDGE_GATE_NOWHERE"):
        open_sink(token=Secret(name="nowhere"))


def test_a_token_that_disappears_meanwhile_is_waited_for(open_sink, tmp_path):
    (tmp_path / "token").write_text("t")
    sink = open_sink(token=Secret(name="rotating", file=tmp_path / "token"))
    (tmp_path / "token").unlink()
    with pytest.raises(SinkError, match="cannot be read"):
        sink.send(face(1))


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_each_kind_of_success_is_success(server, open_sink, status):
    server.behaviours.append(answers(status))
    open_sink().send(face(1))
    assert len(server.posted) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_client_errors_make_dead_letters(server, open_sink, status):
    server.behaviours.append(answers(status, b'{"error": "no such gallery"}'))
    with pytest.raises(SinkRefusedError, match=rf"answered {status} .*no such gallery"):
        open_sink().send(face(1))


def test_a_refused_token_names_the_way_back(server, open_sink):
    server.behaviours.append(answers(401))
    with pytest.raises(SinkRefusedError, match=r"outbox requeue --sink http$"):
        open_sink().send(face(1))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_trouble_of_the_moment_is_tried_again(server, open_sink, status):
    server.behaviours.append(answers(status))
    with pytest.raises(SinkError, match=f"answered {status}") as raised:
        open_sink().send(face(1))
    assert not isinstance(raised.value, SinkRefusedError)


def test_the_server_may_name_the_time_to_come_back(server, open_sink):
    server.behaviours.append(answers(429, Retry_After="17"))
    with pytest.raises(SinkBusyError) as raised:
        open_sink().send(face(1))
    assert raised.value.retry_after_s == 17


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
def test_a_redirect_is_not_followed_and_tried_again_with_its_secrets_hidden(
    server, open_sink, status
):
    server.behaviours.append(answers(status, Location=f"{server.url}&token=s3cret"))
    with pytest.raises(SinkError, match="redirects are not followed") as raised:
        open_sink(url=f"{server.url}&key=s3cret").send(face(1))
    assert not isinstance(raised.value, SinkRefusedError)
    assert "s3cret" not in str(raised.value)
    assert len(server.posted) == 1


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        b"HTTP/1.1 199 Ours\r\nContent-Length: 7\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    ],
)
def test_interim_answers_are_passed_over(server, open_sink, interim):
    sink = open_sink()
    server.behaviours.append(face_server.sends(interim + TAKEN))
    sink.send(face(1))
    sink.send(face(2))
    assert server.keys() == [face(1).key, face(2).key]


def test_interim_answers_without_end_are_cut_off(server, open_sink):
    server.behaviours.append(face_server.promises_without_end)
    with pytest.raises(SinkError, match="not answered in time"):
        open_sink(timeout=0.3).send(face(1))


def test_a_late_answer_is_not_booked_for_the_next_face(server, open_sink):
    """It arrives while the next face is being sent: too late to be noticed before."""
    sink = open_sink()
    server.behaviours += [
        face_server.sends(b"HTTP/1.1 204 No Content\r\nContent-Length: 47\r\n\r\n"),
        face_server.sends(TAKEN + b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
    ]
    sink.send(face(1))
    sink.send(face(2))
    assert len({posted.port for posted in server.posted}) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + TAKEN,
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    ],
)
def test_a_connection_is_not_used_again_after_anything_odd(server, open_sink, answer):
    sink = open_sink()
    server.behaviours.append(face_server.sends(answer))
    with suppress(SinkError):
        sink.send(face(1))
    sink.send(face(2))
    first, second = server.posted
    assert first.port != second.port


@pytest.mark.parametrize("length", ["abc", "5, 6", "-5", "5 5", ""])
def test_an_answer_without_a_certain_end_is_no_delivery(server, open_sink, length):
    server.behaviours.append(
        face_server.sends(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nabcde".encode())
    )
    with pytest.raises(SinkError, match="is no length"):
        open_sink().send(face(1))


@pytest.mark.parametrize(
    "behaviour",
    [
        face_server.hangs,
        face_server.drips_its_body,
        face_server.drips_its_headers,
        face_server.drips_without_end,
    ],
)
def test_a_server_that_takes_for_ever_is_cut_off(server, open_sink, behaviour):
    server.behaviours.append(behaviour)
    with pytest.raises(SinkError, match="not answered in time"):
        open_sink(timeout=0.3).send(face(1))


@pytest.mark.parametrize(
    "behaviour",
    [
        face_server.hangs,
        face_server.hangs_up,
        face_server.cuts_its_answer,
        face_server.talks_nonsense,
        answers(500),
        answers(200, b"x" * 200_000),
    ],
)
def test_the_sink_works_again_after_any_trouble(server, open_sink, behaviour):
    sink = open_sink(timeout=0.3)
    server.behaviours.append(behaviour)
    try:
        sink.send(face(1))
    except SinkError:
        sink.send(face(1))
    sink.send(face(2))
    assert server.keys()[-1] == face(2).key


@pytest.fixture
def hasty():
    """Serve once: answer before the request was read, and hang up so that it is noticed."""
    threads = []

    def serve(answer):
        listener = socket.create_server(("127.0.0.1", 0))

        def run():
            with listener, listener.accept()[0] as client:
                client.recv(100)
                client.sendall(answer)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield serve
    for thread in threads:
        thread.join()


def test_a_refusal_counts_of_a_server_that_hung_up_before_all_was_sent(hasty, open_sink):
    url = hasty(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 50000\r\n\r\nfar too")
    with pytest.raises(SinkRefusedError, match="answered 413"):
        open_sink(url=url).send(replace(face(1), face_image=bytes(8_000_000)))


def test_a_face_that_was_not_sent_whole_is_not_delivered_whatever_the_answer(hasty, open_sink):
    with pytest.raises(SinkError, match=r"reset|[Bb]roken"):
        open_sink(url=hasty(TAKEN)).send(replace(face(1), face_image=bytes(8_000_000)))


def test_a_port_nobody_listens_on_is_tried_again(open_sink):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(SinkError, match="refused"):
        open_sink(url=f"http://127.0.0.1:{port}").send(face(1))


def test_nobody_there_is_told_with_the_proxy_that_is_not_used():
    settings = HttpSinkSettings(url="http://127.0.0.1:1/faces?key=s3cret")
    with pytest.raises(SinkError, match="HTTPS_PROXY is set but not used") as raised:
        HttpSink(settings, {"HTTPS_PROXY": "http://proxy.example:3128"}).send(face(1))
    assert "s3cret" not in str(raised.value)


def test_tls_to_a_known_authority_works(authority, ca_file):
    with face_server.serving(server_context(authority)) as server:
        sink = HttpSink(HttpSinkSettings(url=server.url, ca_file=ca_file))
        sink.send(face(1))
        sink.send(face(2))
        sink.close()
    assert server.keys() == [face(1).key, face(2).key]


def test_tls_server_that_drips_is_cut_off(authority, ca_file):
    with face_server.serving(server_context(authority)) as server:
        server.behaviours.append(face_server.drips_its_body)
        sink = HttpSink(HttpSinkSettings(url=server.url, ca_file=ca_file, timeout=1.0))
        with pytest.raises(SinkError, match="not answered in time"):
            sink.send(face(1))


def test_an_unknown_authority_sees_no_face(authority):
    with face_server.serving(server_context(authority)) as server:
        sink = HttpSink(HttpSinkSettings(url=server.url))
        with pytest.raises(SinkError, match="CERTIFICATE_VERIFY_FAILED"):
            sink.send(face(1))
    assert server.posted == []


def test_a_certificate_for_another_host_sees_no_face(authority, ca_file):
    with face_server.serving(server_context(authority, "elsewhere.example")) as server:
        sink = HttpSink(HttpSinkSettings(url=server.url, ca_file=ca_file))
        with pytest.raises(SinkError, match="CERTIFICATE_VERIFY_FAILED"):
            sink.send(face(1))
    assert server.posted == []


def test_a_client_certificate_opens_a_server_that_wants_one(authority, ca_file, tmp_path):
    context = server_context(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    device = authority.issue_cert("device-7")
    device.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    device.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    proof = {"client_certificate": tmp_path / "cert.pem", "client_key": tmp_path / "key.pem"}
    with face_server.serving(context) as server:
        without = HttpSink(HttpSinkSettings(url=server.url, ca_file=ca_file))
        with pytest.raises(SinkError):
            without.send(face(1))
        sink = HttpSink(HttpSinkSettings(url=server.url, ca_file=ca_file, **proof))
        sink.send(face(2))
        sink.close()
    assert server.keys() == [face(2).key]


def test_a_file_that_is_no_certificate_is_a_mistake_of_the_configuration(tmp_path):
    (tmp_path / "ca.pem").write_text("not PEM")
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        HttpSink(HttpSinkSettings(url="https://faces.example", ca_file=tmp_path / "ca.pem"))


@pytest.mark.parametrize("path", ["/hook?token=hunter2", "/services/hunter2", "/?hunter2"])
def test_no_part_of_an_address_beyond_its_host_is_told(server, open_sink, path):
    host = server.url.partition("://")[2].partition("/")[0]
    for status in (500, 404, 302):
        says = f"no {path} here, http://{host}{path}".encode()
        server.behaviours.append(answers(status, says, Location=f"http://{host}{path}"))
        with pytest.raises((SinkError, SinkRefusedError)) as refused:
            open_sink(url=f"http://{host}{path}").send(face(1))
        assert "hunter2" not in str(refused.value)
        assert host in str(refused.value)
    with pytest.raises(SinkError) as missing:
        open_sink(url=f"http://127.0.0.1:1{path}").send(face(1))
    assert "hunter2" not in str(missing.value)
