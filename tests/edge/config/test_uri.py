import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.uri import SourceUri, parse_uri, redacted, without_path
from edge.errors import ConfigError, SourceError

BY_ID = "/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_2F8A1B0F-video-index0"


@pytest.mark.parametrize(
    ("text", "scheme", "address"),
    [
        (f"v4l2://{BY_ID}", "v4l2", f"v4l2://{BY_ID}"),
        ("csi://0", "csi", "csi://0"),
        ("csi://01", "csi", "csi://1"),
        ("rtsp://camera/1", "rtsp", "rtsp://camera/1"),
        ("rtsps://[fe80::1]:322/a?b=1", "rtsps", "rtsps://[fe80::1]:322/a?b=1"),
        ("http://camera:8080/video.mjpg", "http", "http://camera:8080/video.mjpg"),
        ("https://camera/video.mjpg", "https", "https://camera/video.mjpg"),
        ("file:///srv/a b@c.mp4", "file", "file:///srv/a b@c.mp4"),
        ("recordings/door", "file", "file://recordings/door"),
        ("RTSP://Camera/Path", "rtsp", "rtsp://Camera/Path"),
        ("HTTP://camera/video.mjpg", "http", "http://camera/video.mjpg"),
        ("File:///srv/A.mp4", "file", "file:///srv/A.mp4"),
        (f"V4L2://{BY_ID}", "v4l2", f"v4l2://{BY_ID}"),
    ],
)
def test_each_scheme_is_understood(text, scheme, address):
    uri = parse_uri(text)
    assert (uri.scheme, uri.address) == (scheme, address)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ftp://host/a", "ftp:// is not supported"),
        ("v4l2://0", "/dev/v4l/by-id"),
        ("v4l2://dev/video0", "/dev/v4l/by-id"),
        ("v4l2:///dev/video 0", "/dev/v4l/by-id"),
        ("csi://", "csi://0"),
        ("csi://-1", "csi://0"),
        ("csi://٣", "csi://0"),
        ("rtsp:///path", "host is missing"),
        ("rtsp://host/a b", "no blanks"),
        ("rtsp://host/ä", "ASCII"),
        ("rtsp://host:99999/", "port is wrong"),
        ("rtsp://[::1/", "port is wrong"),
        ("rtsp://user:pa/ss@host/", "secret 'login'"),
        ("rtsp://user:12/34@host/", "secret 'login'"),
        ("rtsp://user:12?34@host/", "secret 'login'"),
        ("rtsp://user:12#34@host/", "secret 'login'"),
    ],
)
def test_a_wrong_address_names_what_is_expected(text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_uri(text)


def test_a_path_is_the_file_or_device():
    assert parse_uri("file:///srv/100%.mp4").path == Path("/srv/100%.mp4")
    assert parse_uri(f"v4l2://{BY_ID}").path == Path(BY_ID)
    assert parse_uri("csi://3").sensor == 3
    with pytest.raises(SourceError, match="has no path") as caught:
        _ = parse_uri("rtsp://admin:hunter2@camera/").path
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://admin:hunter2@camera:554/1", "rtsp://…@camera:554/1"),
        ("rtsp://admin@camera/1", "rtsp://…@camera/1"),
        ("rtsp://admin:hun@ter2@camera/1", "rtsp://…@camera/1"),
        ("rtsp://camera/?channel=1&subtype=0", "rtsp://camera/?channel=1&subtype=0"),
        ("http://camera/v?user=a&pwd=hunter2", "http://camera/v?user=…&pwd=…"),
        ("rtsp://camera/user=a&password=hunter2&channel=1", None),
    ],
)
def test_an_address_is_shown_without_credentials(address, shown):
    uri = parse_uri(address)
    assert "hun" not in f"{uri} {uri!r} {[uri]}"
    assert "ter2" not in f"{uri} {uri!r} {[uri]}"
    if shown is not None:
        assert str(uri) == shown
    assert uri.address == address


def test_a_file_name_with_an_at_sign_is_shown_as_it_is():
    assert str(parse_uri("file:///srv//x/a@b.mp4")) == "/srv//x/a@b.mp4"


@pytest.mark.parametrize("text", ["../rec/x.mkv", "/srv/x.mkv", "recordings"])
def test_a_path_is_shown_as_it_was_given(text):
    assert str(parse_uri(text)) == text


def test_words_without_addresses_stay_as_they_are():
    words = "max_yaw_ratio = 0.45, a@b, 12:30"
    assert redacted(words) == words


# At least 8 characters, none of which occur in the rest of the address.
PASSWORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8).filter(
    lambda text: text not in "rtsp://camera:554/live/ch1?channel=1 SourceUri('"
)


@given(PASSWORDS)
def test_any_login_arrives_whole_and_is_never_shown(password):
    uri = parse_uri("rtsp://camera:554/live").with_login(f"ad/min:{password}")
    parts = urlsplit(uri.address)
    assert (parts.hostname, parts.port) == ("camera", 554)
    assert unquote(parts.username or "") == "ad/min"
    assert unquote(parts.password or "") == password
    assert str(uri) == "rtsp://…@camera:554/live"
    assert parse_uri(uri.address) == uri


@given(PASSWORDS)
def test_a_password_is_shown_neither_by_a_refusal_nor_by_an_accepted_address(password):
    try:
        shown = repr(parse_uri(f"rtsp://admin:{password}@camera/live"))
    except ValueError as error:
        shown = str(error)
    assert password not in shown


@given(PASSWORDS.filter(lambda text: not set(text) & set("@&/;?'\"")))
def test_a_password_among_the_parameters_is_not_shown(password):
    assert password not in redacted(f"cannot open http://camera/v?user=admin&pwd={password}")


def test_a_login_without_a_password_is_refused():
    with pytest.raises(ConfigError, match="user:password") as caught:
        parse_uri("rtsp://camera/").with_login("hunter2")
    assert "hunter2" not in str(caught.value)


def test_only_files_are_not_live():
    assert not parse_uri("a.mp4").is_live
    assert SourceUri("csi", "csi://0").is_live


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://h/admin:hunter2/x", "rtsp://h/…/x"),
        ("rtsp://h:554/a/admin:hunter2", "rtsp://h:554/a/…"),
        ("rtsp://h/live#token=hunter2", "rtsp://h/live#token=…"),
        ("rtsp://h/live?pwd=12&channel=1", "rtsp://h/live?pwd=…&channel=1"),
        ("rtsp://h/live?hunter2", "rtsp://h/live?…"),
        ("rtsp://h/user=admin;password=hunter2", "rtsp://h/user=…;password=…"),
        ("rtsp://[fe80::1]:554/live/1", "rtsp://[fe80::1]:554/live/1"),
    ],
)
def test_odd_places_of_a_password_are_hidden_and_the_rest_is_shown(address, shown):
    assert redacted(f"{address} cannot be opened: x") == f"{shown} cannot be opened: x"


def test_a_place_in_a_file_is_no_password():
    words = "/etc/edge/gate.yaml:12:3: sinks: is missing"
    assert redacted(words) == words


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://h/services/T0/B0/hunter2", "https://h/…"),
        ("http://h:8080/?hunter2", "http://h:8080/…"),
        ("https://me:hunter2@h/", "https://h/"),
        ("https://h", "https://h"),
        ("/hunter2", "…"),
        ("http://[", "…"),
    ],
)
def test_the_path_of_a_server_is_not_shown(address, shown):
    assert without_path(address) == shown


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 70}.example", ".a", "h:99999", "h:0x1", "["])
def test_a_host_that_cannot_be_looked_up_is_refused_before_anybody_tries(host):
    with pytest.raises(ValueError, match="host"):
        parse_uri(f"rtsp://{host}/x")
