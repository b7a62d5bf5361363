"""Where secrets come from: a systemd credential, then the environment, then a file."""

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from edge.config.delivery import Secret
from edge.errors import ConfigError

CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"
"""Set by systemd for units with LoadCredential= (systemd.exec(5))."""
LONGEST = 65536
"""Bytes of a secret file; no header takes as much."""


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


def require_regular(*paths: Path | None) -> None:
    """
    Refuse pipes and devices, which may be waited for or read for ever; None is passed over.

    Raises:
        OSError: One of them is none, or cannot be looked at.
    """
    for path in paths:
        if path is not None and not (path.is_dir() or stat.S_ISREG(path.stat().st_mode)):
            raise OSError(errno.EINVAL, "a pipe or a device, not a file", str(path))


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
        require_regular(path)
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
        if len(content) > LONGEST:
            raise ConfigError(f"secret file {path} is larger than {LONGEST} bytes")
        return content.decode()
    except (OSError, ValueError) as error:  # not UTF-8, or a NUL in the path
        raise ConfigError(f"secret file {path} cannot be read: {error}") from error


def _checked(text: str, place: str) -> str:
    secret = text.rstrip("\r\n")
    # A line end inside would let the secret write HTTP headers of its own.
    if not secret or not secret.isprintable():
        raise ConfigError(f"the secret in {place} is empty or holds control characters")
    return secret
