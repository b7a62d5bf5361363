"""
One gate for one outbox, shadow log and history: a second process with the same is turned away.

Two gates that drain one outbox send each face twice and count in each other's books. The lock is on
a file beside each of them, which stays; the kernel drops the lock with the process, however that
ends. Commands that look into the files or tidy them up beside a running gate take no lock.
"""

import fcntl
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from edge.config.model import Config
from edge.delivery.face_database import IN_MEMORY
from edge.errors import InUseError
from engines.whole_file import lock

log = logging.getLogger(__name__)

LOCK = ".lock"
LONGEST_NUMBER = 20
"""Bytes read of the number of the process that holds a lock."""
KEYS = {
    "outbox": "a delivery.outbox.path",
    "shadow log": "a shadow_log.path",
    "history": "a page.history",
}
"""What keeps two gates apart."""


class SoleUse:
    """The files that this process alone may use; for one thread."""

    def __init__(self) -> None:
        self._held: dict[Path, int] = {}

    def take(self, config: Config) -> None:
        """
        Take the files of a configuration beside those that are held already, all or none.

        Raises:
            InUseError: Another process uses one of them.
        """
        taken: dict[Path, int] = {}
        try:
            for path, what in _files(config).items():
                if path not in self._held and (held := _taken(path, what)) is not None:
                    taken[path] = held
        except InUseError:
            _drop(taken)
            raise
        self._held |= taken

    def keep(self, config: Config) -> None:
        """Drop all but the files of a configuration."""
        wanted = _files(config)
        _drop({path: held for path, held in self._held.items() if path not in wanted})
        self._held = {path: held for path, held in self._held.items() if path in wanted}

    def close(self) -> None:
        """Drop them all; safe to call twice."""
        _drop(self._held)
        self._held = {}


def _files(config: Config) -> dict[Path, str]:
    """Return the path of each file, as the kernel knows it, and what it is."""
    sections = (("outbox", config.delivery.outbox), ("shadow log", config.shadow_log))
    named = [(what, section.path) for what, section in sections if section is not None]
    if config.page.history is not None:
        named.append(("history", config.page.history))
    return {Path(os.path.realpath(path)): what for what, path in named if path != IN_MEMORY}


def _taken(path: Path, what: str) -> int | None:
    """Return the descriptor that holds the lock; None where there can be none, and it is logged."""
    beside = path.with_name(path.name + LOCK)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(beside, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:  # a full disk: no reason to lose every face to come
        log.warning("%s: %s; a second gate would not be noticed", beside, error.strerror)
        return None
    try:
        lock(descriptor, fcntl.LOCK_NB)
    except BlockingIOError as error:
        who = os.pread(descriptor, LONGEST_NUMBER, 0).decode("ascii", "replace").strip() or "?"
        os.close(descriptor)
        raise InUseError(
            f"{what} {path} is in use by another gate, process {who}: stop that one (a service: "
            f"sudo systemctl stop edge-gate), or give this configuration {KEYS[what]} of its own"
        ) from error
    _sign(descriptor, path)
    return descriptor


def _sign(descriptor: int, path: Path) -> None:
    """Write who holds the lock, so that whoever is turned away knows whom to ask."""
    with suppress(OSError):  # a full disk: the lock holds all the same
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    if os.geteuid() == 0:
        # Run by root for once it must not lock out the service, whose files these are.
        with suppress(OSError):
            owner = (path if path.exists() else path.parent).stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _drop(held: Mapping[Path, int]) -> None:
    for descriptor in held.values():
        os.close(descriptor)
