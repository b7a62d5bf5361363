from pathlib import Path

import pytest

from edge.diagnosis.secret_findings import missing_secrets
from edge.diagnosis.service_findings import PLACES, UNITS
from tests.edge.configurations import loaded

TEXT = (
    "pair: pairs/default\nsinks: [{type: stdout}]\n"
    "sources:\n  - {name: door, uri: rtsp://camera/door, login: {name: login-door}}\n"
)
CONFIG = loaded(TEXT).config


@pytest.fixture
def drop_in(tmp_path):
    place = tmp_path / PLACES[0].lstrip("/") / f"{UNITS[0]}.service.d" / "secrets.conf"
    place.parent.mkdir(parents=True)
    place.write_text("[Service]\nLoadCredential=login-door:/etc/edge-gate/login-door\n")
    return place


def missing(root, environment=None, config=CONFIG):
    found = missing_secrets(config, of_unit=True, environment=environment or {}, root=root)
    return [".".join(map(str, key)) for key, _ in found]


def test_a_secret_that_a_unit_names_is_believed(drop_in, tmp_path):
    assert missing(tmp_path) == []
    drop_in.unlink()
    assert missing(tmp_path) == ["sources.0.login"]


def test_secrets_are_believed_where_a_file_of_the_unit_is_for_root_alone(
    drop_in, tmp_path, monkeypatch
):
    read_text = Path.read_text

    def refused(path, *words, **more):
        if path == drop_in:
            raise PermissionError(13, "Permission denied", str(path))
        return read_text(path, *words, **more)

    drop_in.write_text("")
    assert missing(tmp_path) == ["sources.0.login"]
    monkeypatch.setattr(Path, "read_text", refused)
    assert missing(tmp_path) == []


def refuse_to_look_at(refused, monkeypatch):
    stat = Path.stat

    def refusing(path, **more):
        if path == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **more)

    monkeypatch.setattr(Path, "stat", refusing)


def test_credentials_that_the_process_of_a_reload_may_not_read_are_believed(tmp_path, monkeypatch):
    given = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert missing(tmp_path, given) == ["sources.0.login"]
    (tmp_path / "login-door").write_text("without a colon")
    refuse_to_look_at(tmp_path / "login-door", monkeypatch)
    assert missing(tmp_path, given) == []


def test_a_file_of_a_secret_that_the_gate_may_not_read_is_not_taken_for_a_credential(
    tmp_path, monkeypatch
):
    file = tmp_path / "etc" / "login-door"
    config = loaded(TEXT.replace("login-door}", f"login-door, file: {file}}}")).config
    refuse_to_look_at(file, monkeypatch)
    given = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert missing(tmp_path, given, config) == ["sources.0.login"]
