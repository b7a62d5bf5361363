"""Faces that go by way of a proxy: a real tinyproxy."""

import ssl

import pytest

from edge.config.delivery import HttpSinkSettings, Secret
from edge.errors import ConfigError, SinkError, SinkRefusedError
from edge.sinks.http import HttpSink
from tests.edge import face_server
from tests.edge.deliveries import face
from tests.edge.http_proxy import proxying

LOGIN = {"EDGE_GATE_PROXY_LOGIN": "gate:sesame", "EDGE_GATE_WRONG": "gate:simsim"}
BASIC = "BasicAuth gate sesame"


@pytest.fixture
def encrypted(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with face_server.serving(context) as server:
        yield server


def sent(url, numbers, **keys):
    sink = HttpSink(HttpSinkSettings(url=url, timeout=5.0, **keys), LOGIN)
    try:
        for number in numbers:
            sink.send(face(number))
    finally:
        sink.close()


def test_encrypted_faces_go_through_a_tunnel_of_which_one_serves_many(encrypted, ca_file, tmp_path):
    with proxying(tmp_path) as proxy:
        sent(encrypted.url, (1, 2), ca_file=ca_file, proxy=proxy.url)
    assert encrypted.keys() == [face(1).key, face(2).key]
    assert "".join(proxy.log).count("CONNECT localhost:") == 1
    assert "proxy-authorization" not in encrypted.posted[0].headers


def test_plain_faces_are_handed_to_the_proxy_itself(tmp_path):
    with face_server.serving() as server, proxying(tmp_path) as proxy:
        sent(server.url, (1,), proxy=proxy.url)
    [posted] = server.posted
    assert posted.part("face_image") == ("image/png", face(1).face_image)
    assert posted.path == "/faces?site=7"
    assert f"POST {server.url}" in "".join(proxy.log)


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_a_login_opens_a_proxy_that_wants_one_and_does_not_reach_the_server(
    encrypted, ca_file, tmp_path, is_encrypted
):
    keys = {"ca_file": ca_file} if is_encrypted else {}
    with face_server.serving() as plain, proxying(tmp_path, BASIC) as proxy:
        server = encrypted if is_encrypted else plain
        login = {"proxy": proxy.url, "proxy_login": Secret(name="proxy-login")}
        sent(server.url, (1,), **login, **keys)
    [posted] = server.posted
    assert "proxy-authorization" not in posted.headers


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_a_proxy_that_refuses_us_costs_no_face(encrypted, ca_file, tmp_path, is_encrypted):
    keys = {"ca_file": ca_file} if is_encrypted else {}
    with face_server.serving() as plain, proxying(tmp_path, BASIC) as proxy:
        server = encrypted if is_encrypted else plain
        login = {"proxy": proxy.url, "proxy_login": Secret(name="wrong")}
        with pytest.raises(SinkError, match=r"refuse|Tunnel connection failed") as raised:
            sent(server.url, (1,), **login, **keys)
    assert not isinstance(raised.value, SinkRefusedError)
    assert server.posted == []


def test_a_proxy_in_the_environment_is_not_used(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with face_server.serving() as server:
        sent(server.url, (1,))
    assert server.keys() == [face(1).key]


def test_a_proxy_that_drips_is_cut_off(encrypted, ca_file):
    with face_server.serving() as server:
        address = server.url.partition("/faces")[0]
        sink = HttpSink(
            HttpSinkSettings(url=encrypted.url, ca_file=ca_file, proxy=address, timeout=0.5)
        )
        with pytest.raises(SinkError, match="not answered in time"):
            sink.send(face(1))


def test_a_missing_proxy_login_is_a_mistake_of_the_configuration():
    settings = HttpSinkSettings(
        url="https://faces.example",
        proxy="http://proxy.example:3128",
        proxy_login=Secret(name="nowhere"),
    )
    with pytest.raises(ConfigError, match="EDGE_GATE_NOWHERE"):
        HttpSink(settings, LOGIN)
