import os
from pathlib import Path

import pytest
import yaml

from edge.commissioning.questions import Unattended
from edge.commissioning.receivers import Receivers, quoted, written
from edge.commissioning.secret_files import SecretFiles
from edge.config.file import checked
from edge.config.reader import parse_document
from edge.errors import SinkError, UsageError
from tests.edge.configurations import SMALLEST


@pytest.fixture
def receivers(tmp_path):
    return lambda **how: Receivers(Unattended(), SecretFiles(tmp_path), tmp_path, **how)


def sinks(folder, found):
    """Return the sinks that the lines make, as the gate takes them."""
    dashes = "".join("  - " + "\n    ".join(each.lines) + "\n" for each in found)
    text = SMALLEST.partition("sinks:")[0] + "sinks:\n" + dashes
    return checked(parse_document(text, folder / "gate.yaml")).config.sinks


def test_each_kind_of_receiver_becomes_a_sink_with_a_name_of_its_own(receivers, tmp_path):
    texts = [
        str(tmp_path / "faces"),
        "https://hub.example/in",
        "http://localhost:8000/",
        "mqtt://broker",
        "mqtts://pole7@broker:9999",
        "stdout",
    ]
    directory, hub, local, plain, secure, _ = sinks(tmp_path, receivers(secret="hunter2").of(texts))
    assert directory.path == tmp_path / "faces"
    assert (hub.url, hub.token.name) == ("https://hub.example/in", "http-token")
    assert (local.name, local.allow_plaintext) == ("http2", False)
    assert (plain.host, plain.port, plain.tls) == ("broker", 1883, False)
    assert (secure.port, secure.tls, secure.username) == (9999, True, "pole7")
    assert secure.password.file.read_text() == "hunter2\n"
    assert secure.password.file.stat().st_mode & 0o777 == 0o600


def test_faces_travel_unencrypted_only_when_that_is_said(receivers, tmp_path):
    with pytest.raises(UsageError, match="--plain"):
        receivers().of(["http://10.0.0.9/in"])
    (sink,) = sinks(tmp_path, receivers(plain_allowed=True).of(["http://10.0.0.9/in"]))
    assert sink.allow_plaintext


@pytest.mark.parametrize("text", ["ftp://hub/", "https://:99999/", "mqtt://", "https://hub:0/"])
def test_what_nobody_can_send_to_is_refused(receivers, text):
    with pytest.raises(UsageError, match="a folder, https://HOST/PATH"):
        receivers().of([text])


@pytest.mark.parametrize(
    "text",
    [
        "faces",
        "null",
        "true",
        "a b",
        'a"b',
        "c:\\d",
        "#x",
        ".inf",
        "1e3",
        "x/y.z",
        "012",
        "a\nb",
        "a\tb",
        "a\x07b",
    ],
)
def test_any_text_comes_back_from_yaml(text):
    assert yaml.safe_load(f"key: {quoted(text)}") == {"key": text}


def test_a_secret_of_an_earlier_time_is_left_alone(tmp_path):
    first = SecretFiles(tmp_path).keep("login-door", "a:b")
    later = SecretFiles(tmp_path)
    second, third = later.keep("login-door", "c:d"), later.keep("login-door", "e:f")
    assert (first.read_text(), second.name, second.read_text()) == (
        "a:b\n",
        "login-door-2",
        "e:f\n",
    )
    assert third == second
    assert first.parent.stat().st_mode & 0o777 == 0o700


def interrupted(secrets):
    with secrets.needed():
        secrets.keep("login-door", "c:d")
        raise KeyboardInterrupt


@pytest.mark.parametrize("before", [True, False])
def test_secrets_are_deleted_again_when_what_needed_them_fails(tmp_path, before):
    if before:
        SecretFiles(tmp_path).keep("login-door", "a:b")
    with pytest.raises(KeyboardInterrupt):
        interrupted(SecretFiles(tmp_path))
    left = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert left == ["a:b\n"] * before
    assert (tmp_path / "secrets").exists() is before


def test_of_a_secret_that_a_full_disk_does_not_take_no_part_is_left(small_file_system):
    free = os.statvfs(small_file_system)
    (small_file_system / "ballast").write_bytes(bytes(free.f_bavail * free.f_frsize))
    secrets = SecretFiles(small_file_system)
    with pytest.raises(SinkError, match="cannot be written: No space"), secrets.needed():
        secrets.keep("login-door", "c:d")
    assert [path.name for path in small_file_system.iterdir()] == ["ballast"]


def test_secrets_that_are_needed_stay(tmp_path):
    secrets = SecretFiles(tmp_path)
    with secrets.needed():
        kept = secrets.keep("login-door", "c:d")
    assert kept.read_text() == "c:d\n"


def test_a_path_below_the_configuration_is_named_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert written(tmp_path / "faces", tmp_path) == "faces"
    assert written(tmp_path / "faces", tmp_path / "etc") == str(tmp_path / "faces")


@pytest.mark.parametrize(
    ("given", "folder", "text"),
    [
        ("../rec/x.mkv", ".", "../rec/x.mkv"),
        ("./x.mkv", ".", "x.mkv"),
        ("x.mkv", "etc", "../x.mkv"),
        ("etc/x.mkv", "etc", "x.mkv"),
        ("link/../x.mkv", ".", "{0}/elsewhere/x.mkv"),
    ],
)
def test_a_relative_path_stays_one_and_means_the_same_file(
    given, folder, text, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("elsewhere/deep")
    assert written(Path(given), Path(folder)) == text.format(tmp_path)


@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_text_is_not_the_folder_of_the_configuration(receivers, text):
    with pytest.raises(UsageError, match="an empty text is no sink; name a folder"):
        receivers().of([text])
