"""
A folder of face images, each with a JSON sidecar of the same name.

The image is put in place first and the sidecar second; deleting goes the other way round. So
whoever starts from the sidecars (`*.json`) always finds the image, and neither is ever seen
half-written: both are written under a hidden name in the same folder and renamed.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from edge.config.delivery import DirectorySinkSettings
from edge.delivery.encode import EXTENSIONS
from edge.delivery.record import record_name, record_of
from edge.errors import SinkError
from edge.samples import Delivery
from engines.whole_file import sweep_parts, write_whole

SIDECAR = ".json"
EARLIER_PART = ".part"
"""What the first release called a file in the making, with `.NAME.PROCESS` before it."""
STALE_PART_S = 3600.0
CLOCK_WAS_SET_S = 1_704_067_200.0
"""2024-01-01: a file time before it was stamped by a clock nobody had set."""


@dataclass(frozen=True, slots=True)
class StoredFace:
    """One face in the folder."""

    name: str
    """File name without extension."""
    stored_at: float
    """Seconds since 1970."""


class DirectorySink:
    """Satisfies the Protocol `Sink`; several processes may share a folder."""

    def __init__(
        self, settings: DirectorySinkSettings, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._wall_clock = wall_clock
        self._stored: deque[StoredFace] | None = None
        self._swept = False

    def send(self, delivery: Delivery) -> None:
        """
        Write one face image and its sidecar; the same key again replaces the same two files.

        Raises:
            SinkError: The folder cannot be written.
            SinkRefusedError: The record cannot be read.
        """
        folder = self._settings.path
        name = record_name(record_of(delivery))
        with _translated(folder):
            folder.mkdir(parents=True, exist_ok=True)
            stored = self._stored_before()
            known = (folder / f"{name}{SIDECAR}").exists()
            self._write(name + EXTENSIONS[delivery.media_type], delivery.face_image)
            self._write(name + SIDECAR, delivery.record + b"\n")
            if not known:
                stored.append(StoredFace(name, self._wall_clock()))
            self._retain(stored)

    def idle(self) -> None:
        """Do nothing: nobody looks whether it is there."""

    def close(self) -> None:
        """Nothing is held open."""

    def _write(self, file_name: str, content: bytes) -> None:
        write_whole(self._settings.path / file_name, content, durable=self._settings.fsync)

    def _stored_before(self) -> deque[StoredFace]:
        settings = self._settings
        if not self._swept:
            delete_stale_parts(settings.path, self._wall_clock())
            self._swept = True
        if settings.keep_at_most is None and settings.keep_for is None:
            return deque()
        if self._stored is None:
            now = self._wall_clock()
            stamp_unset(settings.path, now)
            self._stored = deque(stored_faces(settings.path, now))
        return self._stored

    def _retain(self, stored: deque[StoredFace]) -> None:
        at_most, keep_for = self._settings.keep_at_most, self._settings.keep_for
        oldest_allowed = 0.0 if keep_for is None else self._wall_clock() - keep_for
        while stored and (
            stored[0].stored_at < oldest_allowed or (at_most is not None and len(stored) > at_most)
        ):
            delete_face(self._settings.path, stored.popleft().name)


def stored_faces(folder: Path, now: float) -> list[StoredFace]:
    """
    Return the faces of a folder, the oldest first; an image whose sidecar is missing counts too.

    A file stamped before 2024 was written while the clock was not set: it is taken as new.

    Args:
        folder: A directory sink's folder.
        now: Seconds since 1970.

    Raises:
        OSError: The folder cannot be read.
    """
    times: dict[str, float] = {}
    for path in folder.iterdir():
        if path.suffix not in (SIDECAR, *EXTENSIONS.values()) or path.name.startswith("."):
            continue
        with suppress(FileNotFoundError):  # another process was quicker
            times[path.stem] = max(times.get(path.stem, 0.0), _stored_at(path, now))
    return sorted(
        (StoredFace(name, stored_at) for name, stored_at in times.items()),
        key=lambda face: (face.stored_at, face.name),
    )


def stamp_unset(folder: Path, now: float) -> None:
    """Let the age of files stamped before 2024 count from now, if now is after it."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if _stored_at(path, now) != path.stat().st_mtime:
                os.utime(path, (now, now))


def face_bytes(folder: Path, name: str) -> int:
    """
    Return the size of a face's files together.

    Raises:
        OSError: The folder cannot be read.
    """
    size = 0
    for path in _files_of(folder, name):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def delete_face(folder: Path, name: str) -> int:
    """
    Delete a face's sidecar, then its image; return the bytes freed.

    Raises:
        OSError: A file cannot be deleted.
    """
    freed = face_bytes(folder, name)
    for path in _files_of(folder, name):
        path.unlink(missing_ok=True)
    return freed


def delete_stale_parts(folder: Path, now: float) -> None:
    """Delete what a process killed while writing left behind: it holds faces."""
    sweep_parts(folder)
    for part in folder.glob(f".*{EARLIER_PART}"):
        with suppress(FileNotFoundError):
            if abs(now - part.stat().st_mtime) > STALE_PART_S:
                part.unlink()


def _files_of(folder: Path, name: str) -> list[Path]:
    return [folder / f"{name}{extension}" for extension in (SIDECAR, *EXTENSIONS.values())]


def _stored_at(path: Path, now: float) -> float:
    stored_at = path.stat().st_mtime
    return now if stored_at < CLOCK_WAS_SET_S <= now else stored_at


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SinkError(
            f"{folder} cannot be written ({error.strerror or error}): "
            "make room, or give the service's user access"
        ) from error
