"""The broker of a fleet, as somebody types it: `mqtts://control@broker.example`."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote

from pydantic import ValidationError

from edge.config.delivery import MqttSinkSettings
from edge.config.section import first_mistake
from edge.config.uri import parts_with_host
from edge.errors import UsageError

PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
"""Of each scheme, where the address names none."""
WITHIN_S = 10.0
"""For each answer of the broker."""


@dataclass(frozen=True, slots=True)
class Files:
    """What proves to a broker who we are, and to us who it is."""

    password: Path | None = None
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def broker_settings(text: str, files: Files) -> MqttSinkSettings:
    """
    Return how a broker is reached, with a client id that nobody else has.

    Args:
        text: `mqtts://[USER@]HOST[:PORT]`, or `mqtt://`, `ws://`, `wss://` with a path.
        files: Password and certificates.

    Raises:
        UsageError: The address can mean nothing, or holds a password.
    """
    parts = _split(text)
    secure = parts.scheme in ("mqtts", "wss")
    written: dict[str, Any] = {
        "name": "fleet",
        "device": secrets.token_hex(4),
        "host": parts.hostname,
        "port": parts.port or PORTS[parts.scheme],
        "tls": secure,
        "timeout": WITHIN_S,
        "username": None if parts.username is None else unquote(parts.username),
        "ca_file": files.authority,
        "client_certificate": files.certificate,
        "client_key": files.key,
    }
    if parts.scheme in ("ws", "wss"):
        written["websocket"] = parts.path or "/mqtt"
    if files.password is not None:
        written["password"] = {"name": "fleet_password", "file": files.password}
    try:
        return MqttSinkSettings.model_validate(written)
    except ValidationError as error:
        place, words = first_mistake(error)
        raise UsageError(f"--broker: {place or '--broker'}: {words}") from error


def _split(text: str) -> SplitResult:
    parts = parts_with_host(text)
    if parts is None or parts.scheme not in PORTS:
        raise UsageError(
            "--broker: name the broker as mqtts://USER@HOST (port 8883), or mqtt://HOST (port "
            "1883, not encrypted); ws:// and wss:// go over WebSocket"
        )
    if parts.password is not None:
        raise UsageError(
            "--broker: the address holds a password, which other users of this machine could see: "
            "write it into a file and give --password-file"
        )
    return parts
