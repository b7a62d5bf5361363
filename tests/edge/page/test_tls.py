"""The page over TLS, and how its certificate is renewed."""

import socket
import ssl
from http.client import HTTPSConnection

import pytest
import trustme

from edge.config.file import read_config
from edge.config.page import PageSettings
from edge.errors import ConfigError
from tests.edge.looked_at import CONFIGURATION, NEEDS_A_TOKEN, TOKEN, looked_at

ENCRYPTED = f"{NEEDS_A_TOKEN}, certificate: page.pem, key: page.key"


def issue(authority, folder):
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "page.key")
    (folder / "page.pem").write_bytes(b"".join(b.bytes() for b in certificate.cert_chain_pems))
    return certificate


@pytest.fixture
def gate(tmp_path, authority):
    issue(authority, tmp_path)
    with looked_at(tmp_path, ENCRYPTED) as served:
        yield served


def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def ask(gate, authority, path="/icon.svg", method="GET", body=None, **headers):
    """Ask over TLS; return the status, the headers and the server's certificate."""
    connection = HTTPSConnection(
        "127.0.0.1", gate.page.port, timeout=30, context=trusting(authority)
    )
    try:
        connection.request(method, path, body, headers)
        shown = connection.sock.getpeercert(binary_form=True)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers, shown
    finally:
        connection.close()


def test_the_page_proves_who_it_is(gate, authority):
    assert ask(gate, authority)[0] == 200
    assert ask(gate, authority, "/api/state")[0] == 401
    assert ask(gate, authority, "/api/state", Authorization=f"Bearer {TOKEN}")[0] == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(gate, trustme.CA())


def test_the_cookie_of_a_session_travels_encrypted_only(gate, authority):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    headers = ask(gate, authority, "/login", "POST", f"token={TOKEN}", **form)[1]
    assert headers["Set-Cookie"].endswith("; Secure")


def test_who_speaks_no_tls_gets_no_answer_and_holds_up_nobody(gate, authority, caplog):
    with (
        socket.create_connection(("127.0.0.1", gate.page.port), timeout=30) as silent,
        socket.create_connection(("127.0.0.1", gate.page.port), timeout=30) as plain,
    ):
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert not plain.recv(100).startswith(b"HTTP")
        silent.sendall(b"\x16")
        assert ask(gate, authority)[0] == 200
    assert "Traceback" not in caplog.text


def test_a_renewed_certificate_is_shown_after_a_reload_on_the_same_address(
    gate, authority, tmp_path
):
    port, before = gate.page.port, ask(gate, authority)[2]
    issue(authority, tmp_path)
    assert ask(gate, authority)[2] == before
    with gate.page.changing(gate.config):
        pass
    assert ask(gate, authority)[2] != before
    assert gate.page.port == port


def test_a_certificate_that_cannot_be_used_leaves_the_page_as_it_was(gate, authority, tmp_path):
    (tmp_path / "page.pem").write_text("no certificate")
    with (
        pytest.raises(ConfigError, match=r"page.pem.*cannot be used"),
        gate.page.changing(gate.config),
    ):
        pytest.fail("the block must not begin")
    assert ask(gate, authority)[0] == 200


def test_encryption_is_taken_up_and_given_up_on_the_same_address(tmp_path, authority):
    issue(authority, tmp_path)
    with looked_at(tmp_path, NEEDS_A_TOKEN) as gate:
        assert gate.ask("/icon.svg")[0] == 200
        plain = gate.config
        gate.path.write_text(CONFIGURATION % ENCRYPTED)
        with gate.page.changing(read_config(gate.path).config):
            pass
        assert ask(gate, authority)[0] == 200
        with gate.page.changing(plain):
            pass
        assert gate.ask("/icon.svg")[0] == 200


@pytest.mark.parametrize("alone", ["certificate", "key"])
def test_a_certificate_goes_with_its_key(tmp_path, alone):
    with pytest.raises(ValueError, match="certificate and key go together"):
        PageSettings(**{alone: tmp_path / "page.pem"})
