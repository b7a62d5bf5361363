"""Ed25519 (RFC 8032) with keys in PEM; imports `cryptography`, so it is imported when needed."""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key


def sign(content: bytes, private_pem: bytes, passphrase: bytes | None) -> bytes:
    """
    Return the signature, 64 bytes.

    Raises:
        ValueError: No Ed25519 private key, or not its passphrase.
    """
    try:
        key = load_pem_private_key(private_pem, passphrase)
    except (TypeError, UnsupportedAlgorithm) as error:  # TypeError: there is no passphrase
        raise ValueError(str(error)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("a key of another kind")  # noqa: TRY004 -- it is the file that is wrong
    return key.sign(content)


def is_signed(content: bytes, signature: bytes, public_pem: bytes) -> bool:
    """
    Tell whether the owner of a key signed this content.

    Raises:
        ValueError: No Ed25519 public key.
    """
    try:
        key = load_pem_public_key(public_pem)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("a key of another kind")  # noqa: TRY004 -- it is the file that is wrong
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True
