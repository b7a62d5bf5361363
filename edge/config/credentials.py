"""Where secrets come from: a systemd credential, then the environment, then a file."""

import os
from collections.abc import Mapping
from pathlib import Path

from edge.config.delivery import Secret
from edge.errors import ConfigError

CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"
"""Set by systemd for units with LoadCredential= (systemd.exec(5))."""


def read_secret(secret: Secret, environment: Mapping[str, str] | None = None) -> str:
    """
    Return a secret, without the line end a file may have.

    It is read anew each time, so that a token may be replaced while the gate runs.

    Raises:
        ConfigError: It is nowhere, unreadable, empty, or holds control characters.
    """
    environment = os.environ if environment is None else environment
    variable = "EDGE_GATE_" + secret.name.upper().replace("-", "_").replace(".", "_")
    folder = environment.get(CREDENTIALS_DIRECTORY)
    credential = Path(folder) / secret.name if folder else None
    if credential is not None and _exists(credential):
        return _checked(_read(credential), str(credential))
    if variable in environment:
        return _checked(environment[variable], f"environment variable {variable}")
    if secret.file is not None:
        return _checked(_read(secret.file), str(secret.file))
    raise ConfigError(
        f"secret {secret.name!r} is nowhere: give the unit LoadCredential={secret.name}:FILE, "
        f"set {variable}, or name a file in the configuration"
    )


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # no permission, above all
        raise ConfigError(f"credential {path} cannot be read: {error}") from error
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:  # not UTF-8, or a NUL in the path
        raise ConfigError(f"secret file {path} cannot be read: {error}") from error


def _checked(text: str, place: str) -> str:
    secret = text.rstrip("\r\n")
    # A line end inside would let the secret write HTTP headers of its own.
    if not secret or not secret.isprintable():
        raise ConfigError(f"the secret in {place} is empty or holds control characters")
    return secret
