import pytest
from pydantic import TypeAdapter, ValidationError

from edge.config.delivery import DeliverySettings, DirectorySinkSettings, SinkSettings

SINK = TypeAdapter(SinkSettings)


def sink(**keys):
    return SINK.validate_python(keys)


def test_a_path_is_relative_to_the_folder_of_the_configuration_file(tmp_path):
    keys = {"type": "directory", "path": "faces"}
    assert SINK.validate_python(keys, context={"folder": tmp_path}) == DirectorySinkSettings(
        path=tmp_path / "faces"
    )


@pytest.mark.parametrize("url", ["https://faces.example/in", "http://localhost:8080/in"])
def test_encrypted_and_local_urls_are_accepted(url):
    assert sink(type="http", url=url).url == url


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://faces.example/in", "not encrypted"),
        ("https://user:secret@faces.example", "use login instead"),
        ("ftp://faces.example", "does not start with https"),
        ("faces.example", "does not start with https"),
        ("http://127.0.0.1:99999/", "port is wrong"),
        ("http://127.0.0.1:0/", "host or port is wrong"),
        ("http://127.0.0.1:http/", "port is wrong"),
        ("https://a..b/in", "host or port is wrong"),
        (f"https://{'a' * 70}.example/in", "host or port is wrong"),
        ("https://[::1/in", "host or port is wrong"),
        ("https://faces example/in", "percent-encode"),
        ("https://faces.example/a\r\nX: y", "percent-encode"),
        ("https://faces.example/é", "percent-encode"),
    ],
)
def test_a_url_that_would_show_faces_or_secrets_is_refused(url, complaint):
    with pytest.raises(ValidationError, match=complaint):
        sink(type="http", url=url)


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"token": {"name": "a"}, "login": {"name": "b"}}, "both given"),
        ({"proxy_login": {"name": "a"}}, "no proxy"),
        ({"proxy": "https://proxy.example:3128"}, "http://HOST:PORT"),
        ({"proxy": "socks5://proxy.example:1080"}, "http://HOST:PORT"),
        ({"proxy": "http://proxy.example:3128/way"}, "http://HOST:PORT"),
        ({"proxy": "http://user:secret@proxy.example:3128"}, "use proxy_login instead"),
        ({"proxy": "proxy.example:3128"}, "does not start with"),
        ({"proxy": "http://proxy.example:99999"}, "proxy: host or port is wrong"),
    ],
)
def test_what_cannot_be_meant_of_logins_and_proxies_is_refused(keys, complaint):
    with pytest.raises(ValidationError, match=complaint):
        sink(type="http", url="https://faces.example/in", **keys)


def test_plaintext_over_a_network_must_be_asked_for():
    assert sink(type="http", url="http://faces.lan/in", allow_plaintext=True).allow_plaintext


def test_a_client_certificate_needs_its_key(tmp_path):
    with pytest.raises(ValidationError, match="go together"):
        sink(type="mqtt", host="broker", client_certificate=tmp_path / "device.pem")


@pytest.mark.parametrize("topic", ["a/#", "a/+/b", "/a", "a/", "", "$SYS/a"])
def test_a_topic_nobody_can_publish_to_is_refused(topic):
    with pytest.raises(ValidationError, match="topic"):
        sink(type="mqtt", host="broker", topic=topic)


def test_units_are_understood_and_the_defaults_are_private():
    settings = DeliverySettings.model_validate(
        {"outbox": {"path": "/var/lib/edge-gate/outbox.sqlite", "quota": "1GB", "ttl": "12h"}}
    )
    assert settings.outbox is not None
    assert (settings.outbox.quota, settings.outbox.ttl) == (10**9, 43200)
    assert not settings.include_embedding
