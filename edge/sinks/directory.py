"""
A folder of face images, each with a JSON sidecar of the same name.

The image is put in place first and the sidecar second; deleting goes the other way round. So
whoever starts from the sidecars (`*.json`) always finds the image, and neither is ever seen
half-written: both are written under a hidden name in the same folder and renamed.

Others may keep files in the folder. Ours is what has a name of our form and a sidecar that holds
the key the name ends with; nothing else is ever deleted or stamped.
"""

import fcntl
import json
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from edge.config.delivery import DirectorySinkSettings
from edge.delivery.encode import EXTENSIONS
from edge.delivery.record import FaceRecord, key_in_name, record_name, record_of
from edge.errors import SinkError
from edge.samples import Delivery
from engines.whole_file import PART, lock, part_of, sweep_parts, write_whole

SIDECAR = ".json"
EXTENSIONS_OF_A_FACE = (SIDECAR, *EXTENSIONS.values())
EARLIER_PART = re.compile(r"\.(?P<file>.+)\.\d+\.part")
"""What the first release called a file in the making."""
LONGEST_SIDECAR = 1_000_000
"""Bytes; with an embedding it is 11 kB."""
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
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
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
        # Whatever the umask is: of a terminal it would let everybody see faces.
        mode = int(self._settings.file_mode, 8)
        path = self._settings.path / file_name
        write_whole(path, content, mode=mode, durable=self._settings.fsync)

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
    Return what has the names of a face and its sidecar, the oldest first; `is_ours` proves it.

    A file stamped before 2024 was written while the clock was not set: it is taken as new.

    Args:
        folder: A directory sink's folder.
        now: Seconds since 1970.

    Raises:
        OSError: The folder cannot be read.
    """
    sidecars, stored_at = set[str](), dict[str, float]()
    for name, extension, modified_s in _files_of_faces(folder):
        if extension == SIDECAR:
            sidecars.add(name)
        stored_at[name] = max(stored_at.get(name, 0.0), _when_stored(modified_s, now))
    found = [StoredFace(name, stored_at[name]) for name in sidecars]
    return sorted(found, key=lambda face: (face.stored_at, face.name))


def is_ours(folder: Path, name: str) -> bool:
    """
    Return whether a face of this name was written by a gate: its sidecar holds the name's key.

    Raises:
        OSError: The sidecar cannot be read.
    """
    return _proves(folder / f"{name}{SIDECAR}", name)


def record_of_face(folder: Path, name: str) -> FaceRecord | None:
    """
    Return the record in a face's sidecar; None when it is gone or of no form that is known.

    Raises:
        OSError: The sidecar cannot be read.
    """
    try:
        return FaceRecord.model_validate_json((folder / f"{name}{SIDECAR}").read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def image_of_face(folder: Path, name: str) -> Path | None:
    """Return the path of a face's image; None when it has none."""
    _, *images = _files_of(folder, name)
    return next((image for image in images if image.is_file()), None)


def stamp_unset(folder: Path, now: float) -> None:
    """Let the age of our files stamped before 2024 count from now, if now is after it."""
    for name, extension, modified_s in _files_of_faces(folder):
        if _when_stored(modified_s, now) != modified_s and is_ours(folder, name):
            with suppress(FileNotFoundError):
                os.utime(folder / f"{name}{extension}", (now, now))


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
    Delete a face's sidecar, then its image, if they are ours; return the bytes freed.

    The sidecar is hidden first and goes last: what a killed process left can still be proven ours.

    Raises:
        OSError: A file cannot be deleted.
    """
    if not is_ours(folder, name):
        return 0
    freed = face_bytes(folder, name)
    sidecar, *images = _files_of(folder, name)
    hidden = sidecar.replace(part_of(sidecar))
    for image in images:
        image.unlink(missing_ok=True)
    hidden.unlink(missing_ok=True)
    return freed


def delete_stale_parts(folder: Path, now: float) -> None:
    """Delete what a process killed while writing or deleting left behind: it holds faces."""
    for hidden in folder.glob(f"{PART}*{SIDECAR}"):
        _end_deletion(hidden)
    sweep_parts(folder, _is_file_of_a_face)
    for part in folder.glob(".*.part"):
        earlier = EARLIER_PART.fullmatch(part.name)
        if earlier is not None and _is_file_of_a_face(earlier["file"]):
            with suppress(FileNotFoundError):
                if abs(now - part.stat().st_mtime) > STALE_PART_S:
                    part.unlink()


def _end_deletion(hidden: Path) -> None:
    """Delete the image whose sidecar was hidden by a process that got no further."""
    name = hidden.name.removeprefix(PART).removesuffix(SIDECAR)
    sidecar, *images = _files_of(hidden.parent, name)
    if sidecar.exists() or not _proves(hidden, name):
        return
    with suppress(OSError), hidden.open("rb") as file:
        lock(file, fcntl.LOCK_NB)  # else another process is just writing it
        for image in images:
            image.unlink(missing_ok=True)


def _proves(sidecar: Path, name: str) -> bool:
    key = key_in_name(name)
    if key is None or not sidecar.is_file() or sidecar.stat().st_size > LONGEST_SIDECAR:
        return False
    try:
        record = json.loads(sidecar.read_bytes())
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and str(record.get("key", "")).startswith(key)


def _is_file_of_a_face(name: str) -> bool:
    path = Path(name)
    return path.suffix in EXTENSIONS_OF_A_FACE and key_in_name(path.stem) is not None


def _files_of_faces(folder: Path) -> Iterator[tuple[str, str, float]]:
    """
    Yield name, extension and time of each file that is named like one of a face.

    The folder is read once and each file looked at once: it may hold a hundred thousand.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            name, dot, ending = entry.name.rpartition(".")
            if dot + ending in EXTENSIONS_OF_A_FACE and key_in_name(name) is not None:
                with suppress(FileNotFoundError):  # another process was quicker
                    yield name, dot + ending, entry.stat().st_mtime


def _files_of(folder: Path, name: str) -> list[Path]:
    return [folder / f"{name}{extension}" for extension in EXTENSIONS_OF_A_FACE]


def _when_stored(modified_s: float, now: float) -> float:
    return now if modified_s < CLOCK_WAS_SET_S <= now else modified_s


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
        raise SinkError(f"{there} is no folder: move away what is there") from error
    except OSError as error:
        raise SinkError(
            f"{folder} cannot be written ({error.strerror or error}): "
            "make room, or give the service's user access"
        ) from error
