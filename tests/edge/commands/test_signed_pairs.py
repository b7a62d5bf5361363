"""Signed pairs, from the command that signs to the gate that insists."""

import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from edge.__main__ import EXIT_CONFIG, EXIT_FAILED, EXIT_USAGE, main
from edge.config.engine import EngineSettings, execution_of
from edge.config.file import read_config
from edge.diagnosis.doctor import pair_findings
from edge.library import Gate
from edge.pipeline.proof import unproved
from engines.errors import PairSignatureError
from engines.pair.folder import replaced_at_once
from engines.pair.manifest import read_manifest, write_manifest
from engines.tensorrt.probe import Probe
from tests.pairs import put_pair
from tests.signing_keys import make_keys

pytest.importorskip("cryptography")
pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the keys")

CONFIGURATION = """\
pair: pair
engine: {pair_key: key.pub.pem}
page: {enabled: false}
sources: [{name: door, uri: door}]
sinks: [{type: directory, path: faces}]
"""


@pytest.fixture
def place(tmp_path):
    """A configuration that insists, and a pair that nobody signed."""
    put_pair(tmp_path)
    (tmp_path / "door").mkdir()
    (tmp_path / "door" / "walk.mp4").write_bytes(b"recorded")
    make_keys(tmp_path, "key")
    (tmp_path / "gate.yaml").write_text(CONFIGURATION)
    return tmp_path


def pair(*words):
    return main(["pair", *map(str, words)])


def sign(place):
    return pair("sign", place / "pair", "--key", place / "key.pem")


def gate(place, command):
    return main([command, "--config", str(place / "gate.yaml")])


def test_a_pair_is_signed_and_verified(place, capsys):
    verify = ("verify", place / "pair", "--key", place / "key.pub.pem")
    assert pair(*verify) == EXIT_FAILED
    assert "is not signed" in capsys.readouterr().err
    assert sign(place) == 0
    assert "is signed (pair.yaml.sig)" in capsys.readouterr().out
    assert pair(*verify) == 0
    assert "signature: by the key of" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check", "run"])
def test_an_unsigned_pair_exits_with_78_where_a_key_insists(place, capsys, command):
    assert gate(place, command) == EXIT_CONFIG
    assert f"edge-gate pair sign {place}/pair --key" in capsys.readouterr().err


def test_a_service_refuses_an_unsigned_pair_with_78(place):
    text = CONFIGURATION.replace("uri: door", "uri: rtsp://127.0.0.1/door")
    (place / "gate.yaml").write_text(text)
    words = [sys.executable, "-m", "edge", "run", "--config", str(place / "gate.yaml")]
    finished = subprocess.run(words, capture_output=True, text=True, check=False)
    assert finished.returncode == EXIT_CONFIG
    refused = f"{place}/gate.yaml:1:7: pair: {place}/pair: the pair is not signed"
    assert refused in finished.stderr


def test_a_signed_pair_is_right_for_who_insists(place, capsys):
    sign(place)
    assert gate(place, "check") == 0
    assert "OK" in capsys.readouterr().out


def test_a_pair_changed_after_signing_exits_with_78(place, capsys):
    sign(place)
    manifest = place / "pair" / "pair.yaml"
    manifest.write_text(manifest.read_text() + "# harmless\n")
    assert gate(place, "check") == EXIT_CONFIG
    assert "changed since" in capsys.readouterr().err


def test_whoever_opens_a_configuration_insists_too(place):
    config = read_config(place / "gate.yaml").config
    assert [key for key, said in unproved(config) if "not signed" in said] == [("pair",)]
    with pytest.raises(PairSignatureError, match="not signed"):
        Gate.open(place / "gate.yaml")


def looking_back(place, command):
    """Return a command line over the recording of a camera."""
    config = ["--config", place / "gate.yaml"]
    more = {"tune": ["--forward-rate", 0.5], "replay": config}
    words = (command, place / "footage", "--out", place / "out", *config, *more[command])
    return [str(word) for word in words]


@pytest.mark.parametrize("command", ["tune", "replay"])
def test_footage_is_judged_by_no_pair_that_a_run_would_refuse(place, capsys, command):
    (place / "footage").mkdir()
    cv2.imwrite(str(place / "footage" / "grey.png"), np.full((64, 64, 3), 96, np.uint8))
    assert main(looking_back(place, command)) == EXIT_CONFIG
    assert f"edge-gate pair sign {place}/pair --key" in capsys.readouterr().err
    sign(place)
    capsys.readouterr()
    assert main(looking_back(place, command)) != EXIT_CONFIG
    assert "not signed" not in capsys.readouterr().err


def test_the_doctor_names_an_unsigned_pair(place):
    execution = execution_of(EngineSettings(pair_key=place / "key.pub.pem"))
    probe = Probe(None, None, "no driver", None, "missing")
    (found,) = pair_findings(place / "pair", execution, probe)
    assert found.state == "problem"
    assert "edge-gate pair sign" in found.text


def test_signing_without_a_key_is_a_wrong_command_line(place, capsys):
    with pytest.raises(SystemExit) as caught:
        pair("sign", place / "pair")
    assert caught.value.code == EXIT_USAGE
    assert "--key" in capsys.readouterr().err


def test_a_rebuild_drops_the_signature(place):
    sign(place)
    with replaced_at_once(place / "pair") as fresh:
        shutil.copytree(place / "pair", fresh, dirs_exist_ok=True)
        write_manifest(fresh, read_manifest(fresh))
    assert not (place / "pair" / "pair.yaml.sig").exists()
