"""Secrets that a configuration names and that are nowhere, told before anybody needs them."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel

from edge.config.credentials import CREDENTIALS_DIRECTORY, read_secret
from edge.config.delivery import Secret
from edge.config.model import Config
from edge.config.reader import KeyPath
from edge.diagnosis.service_findings import PLACES, UNITS
from edge.errors import ConfigError

LOGINS = ("login", "proxy_login")
"""Keys whose secret is written user:password."""


def missing_secrets(
    config: Config,
    *,
    of_unit: bool,
    environment: Mapping[str, str] | None = None,
    root: Path = Path("/"),
) -> Iterator[tuple[KeyPath, str]]:
    """
    Yield each key whose secret cannot be used, and why.

    Args:
        config: What names them.
        of_unit: Whether a unit runs it: systemd shows its credentials to nobody else, so that
            outside of the service those are believed that a unit names, and all of them where
            a file of a unit is for root's eyes only.
        environment: Where secrets may be; None is the process's.
        root: Another one in tests.
    """
    environment = os.environ if environment is None else environment
    units = _units(root) if of_unit and CREDENTIALS_DIRECTORY not in environment else ""
    for key, secret in _secrets(config, ()):
        if key[0] == "page" and not config.page.enabled:
            continue
        try:
            text = read_secret(secret, environment)
        except ConfigError as error:
            if _is_for_the_gate_alone(error, environment):
                continue
            if units is not None and f"LoadCredential={secret.name}:" not in units:
                yield key, str(error)
        else:
            if key[-1] in LOGINS and ":" not in text:
                yield key, f"the secret {secret.name!r} is not written user:password"


def _is_for_the_gate_alone(error: ConfigError, environment: Mapping[str, str]) -> bool:
    # systemd's process for a reload is told of the service's credentials and may not read them.
    folder, cause = environment.get(CREDENTIALS_DIRECTORY), error.__cause__
    if folder is None or not isinstance(cause, PermissionError):
        return False
    return Path(cause.filename).parent == Path(folder)  # not a file that the configuration names


def _units(root: Path) -> str | None:
    """Return all that the files of our units say; None when one cannot be read."""
    patterns = [f"{place}/{unit}.service" for place in PLACES for unit in UNITS]
    patterns += [f"{pattern}.d/*.conf" for pattern in patterns]
    files = (file for pattern in patterns for file in root.glob(pattern))
    try:
        return "\n".join(file.read_text("utf-8", errors="replace") for file in files)
    except PermissionError:
        return None


def _secrets(value: object, key: KeyPath) -> Iterator[tuple[KeyPath, Secret]]:
    match value:
        case Secret():
            yield key, value
        case BaseModel():
            for name in type(value).model_fields:
                yield from _secrets(getattr(value, name), (*key, name))
        case tuple():
            for index, each in enumerate(value):
                yield from _secrets(each, (*key, index))
