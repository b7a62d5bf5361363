"""
Who made a pair: an Ed25519 signature (RFC 8032) of the bytes of `pair.yaml`, 64 bytes beside it.

The manifest holds the SHA-256 of every network, plan and golden vector, so one signature covers
them all. It is the plain one that `openssl pkeyutl -sign -rawin` makes and checks too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engines.bounded_file import read_bounded
from engines.errors import PairSignatureError
from engines.pair.folder import checked_content
from engines.pair.manifest import (
    SIGNATURE_NAME,
    FileRecord,
    Manifest,
    manifest_bytes,
    parse_manifest,
)
from engines.whole_file import write_whole

LARGEST_FILE = 1 << 16
"""Bytes of a key or signature; an Ed25519 key takes about a hundred."""


def sign_pair(folder: Path, key: Path, passphrase: Callable[[], str]) -> Manifest:
    """
    Compare a pair's files with its manifest, and sign that.

    Args:
        folder: The pair's.
        key: Private Ed25519 key in PEM.
        passphrase: Asked where the key is encrypted.

    Raises:
        PairError: The folder holds no engine pair.
        PairIntegrityError: A file is not the promised one; nothing is signed.
        PairSignatureError: The key cannot be used.
        OSError: The folder cannot be written.
    """
    raw = manifest_bytes(folder)
    manifest = parse_manifest(raw, folder)
    for record in files_of(manifest):
        checked_content(folder, record)
    write_whole(folder / SIGNATURE_NAME, signature_of(raw, key, passphrase))
    return manifest


def trusted_manifest(folder: Path, key: Path | None) -> Manifest:
    """
    Read a pair's manifest; with a key, only what its owner signed.

    The bytes that are parsed are those whose signature was checked.

    Args:
        folder: The pair's.
        key: Public Ed25519 key in PEM; None asks for no signature.

    Raises:
        PairError: The folder holds no engine pair.
        PairIntegrityError: The manifest is unreadable, of another version, or was edited.
        PairSignatureError: No valid signature, or the key cannot be used.
    """
    raw = manifest_bytes(folder)
    if key is not None:
        _require_signature(folder, raw, key)
    return parse_manifest(raw, folder)


def files_of(manifest: Manifest) -> list[FileRecord]:
    """Return every file that a manifest promises."""
    return [*manifest.files.values(), *manifest.plans.values(), manifest.golden.file]


def signature_of(raw: bytes, key: Path, passphrase: Callable[[], str]) -> bytes:
    """
    Return the Ed25519 signature of bytes, 64 bytes.

    Args:
        raw: What is signed.
        key: Private Ed25519 key in PEM.
        passphrase: Asked where the key is encrypted.

    Raises:
        PairSignatureError: The key cannot be used.
    """
    pem = _content(key)
    word = passphrase().encode() if b"ENCRYPTED" in pem else None
    with _library():
        from engines.pair import ed25519  # noqa: PLC0415
    try:
        return ed25519.sign(raw, pem, word)
    except ValueError as error:
        wrong = " or the passphrase is wrong" if word is not None else ""
        raise PairSignatureError(
            f"{key}: no Ed25519 private key in PEM{wrong}; make one with "
            "'openssl genpkey -algorithm ed25519 -out pair-key.pem'"
        ) from error


def _require_signature(folder: Path, raw: bytes, key: Path) -> None:
    signature = folder / SIGNATURE_NAME
    advice = (
        f"where the private key is, run 'edge-gate pair sign {folder} --key PRIVATE_KEY', and "
        "copy the folder whole"
    )
    if not signature.exists():
        raise PairSignatureError(
            f"{folder}: the pair is not signed ({signature.name} is missing): {advice}"
        )
    if not is_signed_by(raw, _content(signature), key):
        raise PairSignatureError(
            f"{signature}: not made by the key of {key} for this pair, which was changed since, or "
            f"signed with another key; if you know whose it is: {advice}"
        )


def is_signed_by(raw: bytes, signature: bytes, key: Path) -> bool:
    """
    Tell whether the owner of a key signed these bytes.

    Args:
        raw: What is signed.
        signature: 64 bytes; anything else is none.
        key: Public Ed25519 key in PEM.

    Raises:
        PairSignatureError: The key cannot be used.
    """
    pem = _content(key)
    make = f"openssl pkey -in PRIVATE_KEY -pubout -out {key}"
    if b"PRIVATE KEY" in pem:
        raise PairSignatureError(
            f"{key}: is a private key, which stays off the devices; take the public one: '{make}'"
        )
    with _library():
        from engines.pair import ed25519  # noqa: PLC0415
    try:
        return ed25519.is_signed(raw, signature, pem)
    except ValueError as error:
        raise PairSignatureError(
            f"{key}: no Ed25519 public key in PEM; '{make}' makes one"
        ) from error


@contextmanager
def _library() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise PairSignatureError(
            "signatures need the library cryptography: sudo apt-get install python3-cryptography, "
            "or in a venv: pip install 'edge-gate[signing]'"
        ) from error


def _content(path: Path) -> bytes:
    return read_bounded(path, LARGEST_FILE, PairSignatureError)
