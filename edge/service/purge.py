"""Delete faces by age: from outboxes, directory sinks and shadow logs, and account for each."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edge.config.delivery import OutboxSettings
from edge.delivery.clock import Clocks, OutboxClock
from edge.delivery.face_database import transaction
from edge.delivery.outbox import Outbox
from edge.delivery.outbox_file import SET_ASIDE, open_intact
from edge.errors import OutboxCorruptError
from edge.shadow_log.file import open_shadow_log, translated
from edge.shadow_log.tables import faces_before, last_time, remove_before
from edge.sinks.directory import delete_face, face_bytes, is_ours, stamp_unset, stored_faces


@dataclass(frozen=True, slots=True)
class Purged:
    """One face that was deleted, or would be."""

    name: str
    """Idempotency key, file name without extension, camera and number, or a file set aside."""
    bytes: int
    stored_at: float
    """Seconds since 1970 by the device's clock."""


def open_for_service(path: Path) -> Outbox:
    """
    Open an outbox from beside the gate: nothing expires, is evicted or set aside by that.

    Raises:
        OutboxError: The file is damaged or cannot be used.
    """
    # The gate's own quota and time to live are unknown here, and these two never apply.
    patient = OutboxSettings(path=path, quota=sys.maxsize, ttl=sys.float_info.max)
    return Outbox(patient, (), opened=open_intact)


def purge_outbox(path: Path, older_than_s: float, *, dry_run: bool) -> list[Purged]:
    """
    Delete the faces of an outbox accepted longer ago than this, and damaged files set aside.

    Args:
        path: An existing outbox; the gate may be using it.
        older_than_s: Seconds.
        dry_run: Only return what would be deleted.

    Raises:
        OutboxError: Nothing was deleted from the outbox.
    """
    aside = list(_set_aside(path, older_than_s, dry_run=dry_run))
    try:
        with closing(open_for_service(path)) as outbox:
            faces = outbox.purge(older_than_s, dry_run=dry_run)
    except OutboxCorruptError as error:
        raise OutboxCorruptError(
            f"{error}: the faces in it cannot be told by age; start the gate, which sets it aside, "
            f"or delete {path} yourself"
        ) from error
    return [Purged(face.key, face.bytes, face.accepted_wall_s) for face in faces] + aside


def purge_directory(folder: Path, older_than_s: float, *, dry_run: bool) -> list[Purged]:
    """
    Delete the faces of a directory sink stored longer ago than this.

    Args:
        folder: An existing folder; what is not proven to be a face of a gate is left alone.
        older_than_s: Seconds.
        dry_run: Only return what would be deleted.

    Raises:
        OSError: A file cannot be read or deleted; some may have been.
    """
    now = time.time()
    if not dry_run:
        stamp_unset(folder, now)
    old = [
        face
        for face in stored_faces(folder, now)
        if now - face.stored_at >= older_than_s and is_ours(folder, face.name)
    ]
    remove = face_bytes if dry_run else delete_face
    return [Purged(face.name, remove(folder, face.name), face.stored_at) for face in old]


def purge_shadow_log(path: Path, older_than_s: float, *, dry_run: bool) -> list[Purged]:
    """
    Delete the faces of a shadow log seen longer ago than this, a minute of footage at a time.

    Their bytes are overwritten, in the file and in its write-ahead log.

    Args:
        path: An existing log; the gate may be using it.
        older_than_s: Seconds.
        dry_run: Only return what would be deleted.

    Raises:
        ShadowLogError: Nothing was deleted.
    """
    with translated(path), closing(open_shadow_log(path)) as database:
        # The gate alone counts seconds without a gap; here they go on from what it stored last.
        until_s = OutboxClock(last_time(database), Clocks()).now().outbox_s - older_than_s
        faces = faces_before(database, until_s)
        if not dry_run:
            with transaction(database):
                remove_before(database, until_s)
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return [Purged(f"{face.camera}-{face.face_id}", face.bytes, face.wall_s) for face in faces]


def _set_aside(path: Path, older_than_s: float, *, dry_run: bool) -> Iterator[Purged]:
    now = time.time()
    ours = re.compile(re.escape(f"{path.name}{SET_ASIDE}") + r"\d+(-wal|-shm)?")
    for file in sorted(path.parent.iterdir()):
        if ours.fullmatch(file.name) is None:
            continue
        status = file.stat()
        if now - status.st_mtime >= older_than_s:
            if not dry_run:
                file.unlink()
            yield Purged(file.name, status.st_size, status.st_mtime)
