import shutil
import subprocess
import sys

import pytest

from engines.errors import PairError, PairIntegrityError, PairSignatureError
from engines.pair import signature
from engines.pair.execution import Execution
from engines.pair.manifest import read_manifest, write_manifest
from engines.pair.pair import open_pair
from engines.pair.signature import sign_pair, trusted_manifest
from tests.pairs import put_pair
from tests.signing_keys import make_keys, openssl

pytest.importorskip("cryptography")
pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the keys")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A private key, its public one, and the public one of somebody else."""
    folder = tmp_path_factory.mktemp("keys")
    return (*make_keys(folder, "ours"), make_keys(folder, "theirs")[1])


@pytest.fixture
def pair(tmp_path):
    put_pair(tmp_path)
    return tmp_path / "pair"


def no_passphrase():
    raise AssertionError("an open key was asked for its passphrase")


def sign(pair, key):
    return sign_pair(pair, key, no_passphrase)


def test_a_signed_pair_opens_for_who_insists_and_keeps_its_id(pair, keys):
    private, public, _ = keys
    before = read_manifest(pair).pair_id
    assert sign(pair, private).pair_id == before
    with open_pair(pair, execution=Execution(pair_key=public)) as opened:
        assert opened.pair_id == before
    open_pair(pair).close()


def test_a_pair_without_signature_is_refused_with_the_command_that_signs(pair, keys):
    with pytest.raises(PairSignatureError, match=r"not signed.*edge-gate pair sign .*--key"):
        open_pair(pair, execution=Execution(pair_key=keys[1]))


def test_openssl_accepts_our_signature_and_we_accept_its(pair, keys):
    private, public, _ = keys
    files = ("-rawin", "-in", pair / "pair.yaml")
    sign(pair, private)
    ours = pair / "pair.yaml.sig"
    openssl("pkeyutl", "-verify", "-pubin", "-inkey", public, *files, "-sigfile", ours)
    ours.unlink()
    openssl("pkeyutl", "-sign", "-inkey", private, *files, "-out", ours)
    assert trusted_manifest(pair, public) == read_manifest(pair)


def test_the_signature_of_another_key_is_refused(pair, keys):
    sign(pair, keys[0])
    with pytest.raises(PairSignatureError, match="signed with another key"):
        trusted_manifest(pair, keys[2])


@pytest.mark.parametrize("content", [b"", b"\0" * 64, b"\0" * 63, b"\xff" * 200])
def test_what_is_no_signature_is_refused(pair, keys, content):
    (pair / "pair.yaml.sig").write_bytes(content)
    with pytest.raises(PairSignatureError, match=r"pair\.yaml\.sig"):
        trusted_manifest(pair, keys[1])


def test_a_pair_made_anew_by_a_stranger_does_not_pass_with_the_old_signature(pair, keys):
    """The pair id is right for the new content, which keeps out mistakes only."""
    sign(pair, keys[0])
    kept = (pair / "pair.yaml.sig").read_bytes()
    manifest = read_manifest(pair)
    write_manifest(pair, manifest.model_copy(update={"created": "2000-01-01"}))
    (pair / "pair.yaml.sig").write_bytes(kept)
    read_manifest(pair)
    with pytest.raises(PairSignatureError, match="was changed since"):
        trusted_manifest(pair, keys[1])


def test_a_manifest_written_anew_has_no_signature(pair, keys):
    sign(pair, keys[0])
    write_manifest(pair, read_manifest(pair))
    assert not (pair / "pair.yaml.sig").exists()


def test_a_file_swapped_after_signing_is_refused(pair, keys):
    sign(pair, keys[0])
    network = pair / "pruned.onnx"
    network.write_bytes(network.read_bytes()[:-1] + b"\0")
    with pytest.raises(PairIntegrityError, match=r"pruned\.onnx"):
        open_pair(pair, execution=Execution(pair_key=keys[1]))


@pytest.mark.parametrize("name", ["dense.onnx", "pruned.onnx", "golden.npz", "pair.yaml"])
def test_a_broken_pair_is_not_signed(pair, keys, name):
    (pair / name).write_bytes(b"")
    with pytest.raises(PairError, match=name):
        sign(pair, keys[0])
    assert not (pair / "pair.yaml.sig").exists()


def test_a_private_key_is_refused_where_a_public_one_belongs(pair, keys):
    sign(pair, keys[0])
    with pytest.raises(PairSignatureError, match=r"stays off the devices.*-pubout"):
        trusted_manifest(pair, keys[0])


def test_a_public_key_signs_nothing(pair, keys):
    with pytest.raises(PairSignatureError, match=r"no Ed25519 private key.*genpkey"):
        sign(pair, keys[1])


def test_keys_of_another_kind_are_refused(pair, tmp_path):
    private, public = tmp_path / "x.pem", tmp_path / "x.pub.pem"
    openssl("genpkey", "-algorithm", "x25519", "-out", private)
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    with pytest.raises(PairSignatureError, match="no Ed25519 private key"):
        sign(pair, private)
    (pair / "pair.yaml.sig").write_bytes(b"\0" * 64)
    with pytest.raises(PairSignatureError, match="no Ed25519 public key"):
        trusted_manifest(pair, public)


@pytest.mark.parametrize("content", [b"", b"key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n", None])
def test_what_is_no_key_is_refused_by_name(pair, tmp_path, content):
    path = tmp_path / "pair-key.pub.pem"
    if content is not None:
        path.write_bytes(content)
    (pair / "pair.yaml.sig").write_bytes(b"\0" * 64)
    with pytest.raises(PairSignatureError, match=r"pair-key\.pub\.pem"):
        trusted_manifest(pair, path)


def test_a_key_that_is_a_folder_or_endless_is_refused(pair, tmp_path):
    with pytest.raises(PairSignatureError, match="no regular file"):
        sign(pair, tmp_path)
    (tmp_path / "long.pem").write_bytes(b"\0" * (signature.LARGEST_FILE + 1))
    with pytest.raises(PairSignatureError, match="larger than"):
        sign(pair, tmp_path / "long.pem")


def test_an_encrypted_key_signs_with_its_passphrase_only(pair, tmp_path):
    words = ("-aes-256-cbc", "-pass", "pass:known")
    private, public = make_keys(tmp_path, "locked", *words)
    with pytest.raises(PairSignatureError, match="the passphrase is wrong"):
        sign_pair(pair, private, lambda: "guessed")
    with pytest.raises(PairSignatureError, match="the passphrase is wrong"):
        sign_pair(pair, private, lambda: "")
    sign_pair(pair, private, lambda: "known")
    trusted_manifest(pair, public)


WITHOUT_LIBRARY = """
import sys
sys.modules["cryptography"] = None
from pathlib import Path
from engines.pair.signature import trusted_manifest
print(trusted_manifest(Path(sys.argv[1]), None).pair_id)
trusted_manifest(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_without_the_library_pairs_open_and_only_who_insists_is_told_what_to_install(pair, keys):
    sign(pair, keys[0])
    words = [sys.executable, "-c", WITHOUT_LIBRARY, str(pair), str(keys[1])]
    finished = subprocess.run(words, capture_output=True, text=True, check=False)
    assert finished.stdout.split() == [read_manifest(pair).pair_id]
    assert "PairSignatureError: signatures need the library cryptography" in finished.stderr
    assert "python3-cryptography" in finished.stderr
