import subprocess
import sys

import pytest

from edge.config.credentials import read_secret
from edge.config.delivery import Secret
from edge.errors import ConfigError
from tests.edge.running_gate import ROOT


def test_a_systemd_credential_goes_before_environment_and_file(tmp_path):
    (tmp_path / "http-token").write_text("from systemd\n")
    (tmp_path / "file").write_text("from file\n")
    secret = Secret(name="http-token", file=tmp_path / "file")
    places = {"CREDENTIALS_DIRECTORY": str(tmp_path), "EDGE_GATE_HTTP_TOKEN": "from environment"}
    assert read_secret(secret, places) == "from systemd"
    del places["CREDENTIALS_DIRECTORY"]
    assert read_secret(secret, places) == "from environment"
    assert read_secret(secret, {}) == "from file"


def test_a_secret_is_read_anew_each_time(tmp_path):
    secret = Secret(name="token", file=tmp_path / "token")
    for value in ("old", "new"):
        (tmp_path / "token").write_text(value)
        assert read_secret(secret, {}) == value


def test_a_missing_secret_names_the_three_places():
    with pytest.raises(ConfigError, match=r"LoadCredential=mqtt\.key.*EDGE_GATE_MQTT_KEY.*file"):
        read_secret(Secret(name="mqtt.key"), {})


@pytest.mark.parametrize("bad", ["", "\n", "a\r\nX-Injected: yes", "a\0b"])
def test_an_empty_secret_or_one_with_control_characters_is_refused(bad):
    with pytest.raises(ConfigError, match="empty or holds control"):
        read_secret(Secret(name="token"), {"EDGE_GATE_TOKEN": bad})


def test_a_binary_or_missing_file_is_an_error_that_names_it(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("binary", "missing"):
        with pytest.raises(ConfigError, match=name):
            read_secret(Secret(name="token", file=tmp_path / name), {})


AS_NOBODY = """\
import os, sys
from edge.config.credentials import read_secret
from edge.config.delivery import Secret
from edge.errors import ConfigError
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    read_secret(Secret(name="token"), {"CREDENTIALS_DIRECTORY": sys.argv[1]})
except ConfigError as error:
    print(error)
"""


def test_a_folder_of_credentials_that_may_not_be_entered_is_a_mistake_of_the_configuration(
    tmp_path,
):
    locked = tmp_path / "credentials"
    locked.mkdir(mode=0)
    command = [sys.executable, "-c", AS_NOBODY, locked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "credentials/token cannot be read: [Errno 13] Permission denied" in done.stdout


@pytest.mark.parametrize("folder", ["/" + "a" * 5000, "/dev/null", "/a\0b"])
def test_a_folder_of_credentials_that_is_none_is_no_traceback(folder):
    with pytest.raises(ConfigError):
        read_secret(Secret(name="token"), {"CREDENTIALS_DIRECTORY": folder})
