"""Key pairs as `openssl genpkey -algorithm ed25519` makes them."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from engines.pair.signature import signature_of


def write_keys(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a private and a public key; return both paths."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def signer(private: Path):
    """Return what signs with a key."""
    return lambda raw: signature_of(raw, private, lambda: "")
