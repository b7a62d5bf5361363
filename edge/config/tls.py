"""TLS: as a client the server's certificate is always checked; as a server we show ours."""

import ssl
from pathlib import Path

from edge.config.credentials import require_regular
from edge.errors import ConfigError

BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
"""Where Debian, Ubuntu and Fedora keep the authorities of the system."""


def client_context(
    ca_file: Path | None, client_certificate: Path | None, client_key: Path | None
) -> ssl.SSLContext:
    """
    Return a context of TLS 1.2 or later that checks certificate and host name.

    Args:
        ca_file: PEM file of the only authority to trust; None trusts the system's.
        client_certificate: PEM file that proves this device to the server, or None.
        client_key: PEM file of its key, not encrypted.

    Raises:
        ConfigError: A file is missing or not what it should be.
    """
    try:
        require_regular(ca_file, client_certificate, client_key)
        context = ssl.create_default_context(cafile=ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if client_certificate is not None:
            # The empty password makes OpenSSL fail on an encrypted key instead of asking for one.
            context.load_cert_chain(client_certificate, client_key, password="")
    except OSError as error:  # ssl.SSLError is one
        files = ", ".join(str(path) for path in (ca_file, client_certificate, client_key) if path)
        raise ConfigError(
            f"certificate files {files} cannot be used ({error}): PEM files are wanted, "
            "and the key must belong to its certificate and not be encrypted"
        ) from error
    return context


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """
    Return a context of TLS 1.2 or later that proves who we are.

    Args:
        certificate: PEM file, followed by those between it and its authority.
        key: PEM file of its key, not encrypted.

    Raises:
        ConfigError: A file is missing or not what it should be.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        require_regular(certificate, key)
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(
            f"certificate files {certificate}, {key} cannot be used ({error}): PEM files are "
            "wanted, and the key must belong to its certificate and not be encrypted"
        ) from error
    return context


def authorities() -> Path:
    """
    Return the PEM file of the authorities that the system trusts, for a library that does not look.

    Raises:
        ConfigError: There is none.
    """
    # The first is None, whatever its type says, when the file of this Python does not exist.
    for path in filter(None, (ssl.get_default_verify_paths().cafile, *BUNDLES)):
        if Path(path).is_file():
            return Path(path)
    raise ConfigError(
        "this system has no file of certificate authorities: sudo apt install ca-certificates, "
        "or name one with ca_file"
    )
