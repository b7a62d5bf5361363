"""
TLS of network cameras: certificates are checked, unless the operator says otherwise.

FFmpeg encrypts, but by itself it checks no certificate, so the login would go to whoever answers;
and PyAV's build of it knows no authorities (measured: PyAV 17.1 with GnuTLS 3.8). It also says
nothing but "Input/output error" about a certificate that it refuses.
"""

import socket
import ssl
from urllib.parse import urlsplit

from edge.config.source import SourceSettings
from edge.config.tls import authorities, client_context
from edge.config.uri import SourceUri

PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
"""By scheme, of cameras whose address names none."""
ENCRYPTED = frozenset({"https", "rtsps"})
"""Schemes with TLS."""


def tls_options(settings: SourceSettings) -> dict[str, str]:
    """
    Return FFmpeg's options for the encryption of a source.

    Raises:
        ConfigError: The file of authorities is missing or not what it should be.
    """
    if settings.uri.scheme not in ENCRYPTED:
        return {}
    if not settings.verify_certificate:
        return {}
    # Read here once, since FFmpeg would not tell what is wrong with it.
    client_context(settings.ca_file, None, None)
    return {"tls_verify": "1", "ca_file": str(settings.ca_file or authorities())}


def tls_problem(uri: SourceUri, settings: SourceSettings) -> str | None:
    """
    Ask a camera that could not be opened for its certificate; return what is wrong with it.

    Takes as long as opening may take, at most. None means that the trouble is another one.
    """
    if uri.scheme not in ENCRYPTED or not settings.verify_certificate:
        return None
    parts = urlsplit(uri.address)
    host, port = parts.hostname or "", parts.port or PORTS[uri.scheme]
    try:
        _shake_hands(host, port, settings)
    except ssl.SSLCertVerificationError as error:
        return (
            f"its certificate is refused: {error.verify_message}. Name its authority, or the "
            "camera's own certificate, with ca_file; see it with: "
            f"openssl s_client -connect {host}:{port} -showcerts"
        )
    except ssl.SSLError:
        return "it does not answer in TLS; check the port, or use an address without the s"
    except OSError:
        return None
    return None


def _shake_hands(host: str, port: int, settings: SourceSettings) -> None:
    context = client_context(settings.ca_file, None, None)
    half_s = settings.open_timeout / 2  # once to connect, once to shake hands
    with (
        socket.create_connection((host, port), half_s) as plain,
        context.wrap_socket(plain, server_hostname=host),
    ):
        pass
