"""Secrets beside a configuration, each in a file that its user alone can read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.commissioning.taken_back import taken_back_on_error
from edge.errors import SinkError

FOLDER = "secrets"


class SecretFiles:
    """Writes into one folder; what was there before is never changed."""

    def __init__(self, folder: Path) -> None:
        """
        Write nothing yet.

        Args:
            folder: Of the configuration file.
        """
        self._folder = folder / FOLDER
        self._own: set[Path] = set()

    def keep(self, name: str, secret: str) -> Path:
        """
        Write a secret, mode 0600; return its file.

        Args:
            name: Of the secret; a file of this name from an earlier time is left alone.
            secret: One line.

        Raises:
            SinkError: It cannot be written.
        """
        path = next(each for each in self._names(name) if each in self._own or not each.exists())
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            how = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if path in self._own else os.O_EXCL)
            with open(path, "w", opener=lambda file, _: os.open(file, how, 0o600)) as file:
                self._own.add(path)  # before all of it is there: a full disk takes a part
                file.write(f"{secret}\n")
        except OSError as error:
            raise SinkError(f"{path}: cannot be written: {error.strerror or error}") from error
        return path

    @contextmanager
    def needed(self) -> Iterator[None]:
        """Delete again what was kept meanwhile, unless the block ends without an error."""
        try:
            with taken_back_on_error(self._own):
                yield
        except BaseException:
            with suppress(OSError):  # others are there, or it never was
                self._folder.rmdir()
            raise

    def _names(self, name: str) -> list[Path]:
        return [
            self._folder / name,
            *(self._folder / f"{name}-{number}" for number in range(2, 99)),
        ]
