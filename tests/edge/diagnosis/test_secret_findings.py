from pathlib import Path

import pytest

from edge.diagnosis.secret_findings import missing_secrets
from edge.diagnosis.service_findings import PLACES, UNITS
from tests.edge.configurations import loaded

CONFIG = loaded(
    "pair: pairs/default\nsinks: [{type: stdout}]\n"
    "sources:\n  - {name: door, uri: rtsp://camera/door, login: {name: login-door}}\n"
).config


@pytest.fixture
def drop_in(tmp_path):
    place = tmp_path / PLACES[0].lstrip("/") / f"{UNITS[0]}.service.d" / "secrets.conf"
    place.parent.mkdir(parents=True)
    place.write_text("[Service]\nLoadCredential=login-door:/etc/edge-gate/login-door\n")
    return place


def missing(root, environment=None):
    found = missing_secrets(CONFIG, of_unit=True, environment=environment or {}, root=root)
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


def test_credentials_that_the_process_of_a_reload_may_not_read_are_believed(tmp_path, monkeypatch):
    given = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert missing(tmp_path, given) == ["sources.0.login"]
    (tmp_path / "login-door").write_text("without a colon")
    stat = Path.stat

    def refused(path, **more):
        if path == tmp_path / "login-door":
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **more)

    monkeypatch.setattr(Path, "stat", refused)
    assert missing(tmp_path, given) == []
