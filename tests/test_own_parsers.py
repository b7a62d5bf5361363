"""
Whatever became of a file of ours, its parser takes it or refuses it with the error it promises.

Valid files are changed in their bytes, by what their format gives a meaning to, and value by value.
The number of examples is bounded, and in CI they are the same each time.
"""

import json
import struct
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config.file import checked
from edge.config.reader import parse_document
from edge.errors import ConfigError
from engines.catalogue.entry import read_entry
from engines.errors import EntryError, PairIntegrityError, PairSignatureError
from engines.pair.manifest import SIGNATURE_NAME, parse_manifest
from engines.pair.signature import trusted_manifest
from engines.tensorrt.errors import PlanIntegrityError
from engines.tensorrt.plan_header import read_header
from engines.tensorrt.sidecar import read_sidecar, sidecar_path
from tests.mutated import JSON_TOKENS, YAML_TOKENS, exchanged, mutated
from tests.pairs import put_pair

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = settings(max_examples=150)
PLAN = struct.pack("<4sI8xQ4B", b"vtrt", 0, 64, 1, 4, 0, 76) + bytes(36)
SIDECAR = {
    "schema_version": 1,
    "plan_sha256": "0" * 64,
    "plan_bytes": 64,
    "source": {
        "role": "dense",
        "sha256": "0" * 64,
        "precision": "fp16",
        "half_weights": 1,
        "clamped": 0,
        "kept_fp32": ["conv"],
        "two_four_layers": [],
        "prelu": "spelled",
    },
    "fp16_gate": None,
    "fingerprint": {
        "flavour": "tensorrt",
        "tensorrt": "10.3.0",
        "architecture": "aarch64",
        "compute_capability": "8.7",
        "multiprocessors": 8,
        "cuda": "12.6",
    },
    "input": {"name": "input", "shape": [3, 112, 112]},
    "outputs": [{"name": "output", "shape": [512]}],
    "profile": {"smallest": 1, "usual": 4, "largest": 8},
    "build": {
        "typing": "strong",
        "flags": ["STRONGLY_TYPED"],
        "workspace_bytes": 1,
        "layers": 1,
        "seconds": 1.5,
        "timing_cache": False,
    },
}
CONFIGURATION = b"""\
pair: pairs/default
engine: &engine {backend: auto, providers: [CPUExecutionProvider]}
gate: {threshold: 40, max_roll: 45.5}
sources:
  - name: door
    uri: rtsp://192.0.2.7:554/stream
    login: {name: door_login}
    rotate: 90
    masks: ["0,0 1,0 1,1"]
    schedule: [{days: [mon], start: "08:00", end: "18:00"}]
  - {name: yard, uri: photographs, gate: {threshold: 0x10}}
sinks:
  - {type: directory, path: faces, keep_for: 7d, keep_at_most: 200}
  - {type: http, url: "https://faces.example/v1"}
  - {type: mqtt, host: broker.example, topic: faces}
delivery: {outbox: {path: outbox.sqlite}, backoff: {first: 20ms, at_most: 2min}}
"""
ENTRY = (ROOT / "configs" / "networks" / "face-reidentification-retail-0095.yaml").read_bytes()


@pytest.fixture(scope="module")
def manifest():
    """The bytes of a real manifest."""
    with tempfile.TemporaryDirectory() as folder:
        put_pair(Path(folder))
        return (Path(folder) / "pair" / "pair.yaml").read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where parsers that open files find them; each example overwrites the one before."""
    return tmp_path_factory.mktemp("files")


def takes_or_refuses(parse, error):
    """Call a parser; whatever else it raises ends the test."""
    with suppress(error):
        parse()


def parsed_manifest(content):
    takes_or_refuses(lambda: parse_manifest(content, Path("pair")), PairIntegrityError)


def parsed_configuration(text):
    path = Path("/etc/edge-gate/gate.yaml")
    takes_or_refuses(lambda: checked(parse_document(text, path)), ConfigError)


def parsed_entry(folder, content):
    (folder / "entry.yaml").write_bytes(content)
    takes_or_refuses(lambda: read_entry(folder / "entry.yaml"), EntryError)


def parsed_sidecar(folder, content):
    plan = folder / "dense.plan"
    sidecar_path(plan).write_bytes(content)
    takes_or_refuses(lambda: read_sidecar(plan), PlanIntegrityError)


def as_yaml(document):
    return yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")


def test_the_files_are_valid_before_they_are_changed(manifest, folder):
    """Else nothing behind the first check would ever be reached."""
    parse_manifest(manifest, Path("pair"))
    checked(parse_document(CONFIGURATION.decode(), Path("/etc/edge-gate/gate.yaml")))
    (folder / "entry.yaml").write_bytes(ENTRY)
    read_entry(folder / "entry.yaml")
    sidecar_path(folder / "dense.plan").write_text(json.dumps(SIDECAR))
    read_sidecar(folder / "dense.plan")
    assert read_header(PLAN[:28], len(PLAN), "x.plan") is not None


@EXAMPLES
@given(mutated(PLAN, [b"ftrt", b"vtrt"]), st.integers(0, 1 << 64))
def test_heads_of_plans(content, size):
    for claimed in (len(content), size):
        takes_or_refuses(lambda: read_header(content[:28], claimed, "x.plan"), PlanIntegrityError)  # noqa: B023


@EXAMPLES
@given(st.data())
def test_bytes_of_manifests(manifest, data):
    parsed_manifest(data.draw(mutated(manifest, YAML_TOKENS)))


@EXAMPLES
@given(st.data())
def test_values_of_manifests(manifest, data):
    parsed_manifest(as_yaml(data.draw(exchanged(yaml.safe_load(manifest)))))


@EXAMPLES
@given(mutated(json.dumps(SIDECAR).encode(), JSON_TOKENS))
def test_bytes_of_the_manifests_of_plans(folder, content):
    parsed_sidecar(folder, content)


@EXAMPLES
@given(exchanged(SIDECAR))
def test_values_of_the_manifests_of_plans(folder, document):
    parsed_sidecar(folder, json.dumps(document).encode())


@EXAMPLES
@given(mutated(CONFIGURATION, YAML_TOKENS))
def test_bytes_of_configurations(content):
    parsed_configuration(content.decode("utf-8", "replace"))


@EXAMPLES
@given(exchanged(yaml.safe_load(CONFIGURATION)))
def test_values_of_configurations(document):
    parsed_configuration(as_yaml(document).decode("utf-8", "replace"))


@EXAMPLES
@given(mutated(ENTRY, YAML_TOKENS))
def test_bytes_of_entries(folder, content):
    parsed_entry(folder, content)


@EXAMPLES
@given(exchanged(yaml.safe_load(ENTRY)))
def test_values_of_entries(folder, document):
    parsed_entry(folder, as_yaml(document))


PUBLIC_KEY = b"""\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""


@EXAMPLES
@given(mutated(PUBLIC_KEY, [b"PRIVATE KEY", b"="]), mutated(bytes(64)))
def test_keys_and_signatures(folder, manifest, key, signature):
    """None of them is a signature, so that every one is refused."""
    pytest.importorskip("cryptography")
    (folder / "pair.yaml").write_bytes(manifest)
    (folder / "key.pem").write_bytes(key)
    (folder / SIGNATURE_NAME).write_bytes(signature)
    with pytest.raises(PairSignatureError):
        trusted_manifest(folder, folder / "key.pem")
