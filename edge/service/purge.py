"""Delete faces by age, camera and person: from outboxes, directory sinks and shadow logs."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from edge.config.delivery import OutboxSettings
from edge.delivery.clock import Clocks, OutboxClock
from edge.delivery.face_database import transaction
from edge.delivery.outbox import Outbox
from edge.delivery.outbox_file import SET_ASIDE, open_intact
from edge.delivery.record import record_of
from edge.errors import OutboxCorruptError, SinkRefusedError
from edge.samples import Delivery
from edge.service.wanted_faces import Looked, Person, Purge, Search, Wanted, nobody_waits
from edge.shadow_log.file import open_shadow_log, translated
from edge.shadow_log.tables import (
    KeptPicture,
    faces_before,
    last_time,
    pictures_before,
    remove_before,
    remove_faces,
)
from edge.sinks.directory import (
    delete_face,
    face_bytes,
    image_of_face,
    is_ours,
    record_of_face,
    stamp_unset,
    stored_faces,
)
from edge.sources.images import image_of, read_image


def not_made(path: Path) -> str | None:
    """Return in words why nothing was kept at a place; who opened it there would make a file."""
    if not path.exists():
        return "does not exist"
    return "is empty" if path.is_file() and path.stat().st_size == 0 else None


def open_for_service(path: Path) -> Outbox:
    """
    Open an outbox from beside the gate: nothing expires, is evicted or set aside by that.

    Raises:
        OutboxError: The file is damaged or cannot be used.
    """
    # The gate's own quota and time to live are unknown here, and these two never apply.
    patient = OutboxSettings(path=path, quota=sys.maxsize, ttl=sys.float_info.max)
    return Outbox(patient, (), opened=open_intact)


def purge_outbox(
    path: Path, wanted: Wanted, *, dry_run: bool, looked: Looked = nobody_waits
) -> Purge:
    """
    Delete faces of an outbox, and by their age alone also damaged files set aside.

    Args:
        path: An existing outbox; the gate may be using it.
        wanted: Which; their age counts from when they were accepted.
        dry_run: Only return what would be deleted.
        looked: Called for each face that was compared.

    Raises:
        OutboxError: Nothing was deleted from the outbox.
    """
    search = Search(wanted, looked)
    _look_aside(path, search, dry_run=dry_run)
    try:
        with closing(open_for_service(path)) as outbox:
            only = None if wanted.by_age_alone else _chosen(outbox, search)
            for face in outbox.purge(wanted.older_than_s, dry_run=dry_run, only=only):
                search.gone(face.key, face.bytes, face.accepted_wall_s)
    except OutboxCorruptError as error:
        raise OutboxCorruptError(
            f"{error}: the faces in it cannot be told by age; start the gate, which sets it aside, "
            f"or delete {path} yourself"
        ) from error
    return search.found


def _chosen(outbox: Outbox, search: Search) -> set[int]:
    """Return the numbers of the faces that are wanted; no transaction is open meanwhile."""
    chosen = set()
    for stored in outbox.purge(search.wanted.older_than_s, dry_run=True):
        face = outbox.face(stored.face_id)
        if face is not None and _is_wanted(stored.key, face, search):
            chosen.add(stored.face_id)
    return chosen


def _is_wanted(key: str, face: Delivery, search: Search) -> bool:
    def score(person: Person) -> float | None:
        return person.score(image_of(face.face_image, key))

    return search.is_of_camera(key, _camera_of(face)) and search.matches(key, score)


def _camera_of(face: Delivery) -> str | None:
    try:
        return record_of(face).camera
    except SinkRefusedError:
        return None


def purge_directory(
    folder: Path, wanted: Wanted, *, dry_run: bool, looked: Looked = nobody_waits
) -> Purge:
    """
    Delete faces of a directory sink.

    Args:
        folder: An existing folder; what is not proven to be a face of a gate is left alone.
        wanted: Which; their age counts from when they were stored.
        dry_run: Only return what would be deleted.
        looked: Called for each face that was compared.

    Raises:
        OSError: A file cannot be read or deleted; some may have been.
    """
    now = time.time()
    if not dry_run:
        stamp_unset(folder, now)
    search = Search(wanted, looked)
    remove = face_bytes if dry_run else delete_face
    for face in stored_faces(folder, now):
        if now - face.stored_at < wanted.older_than_s or not is_ours(folder, face.name):
            continue
        if wanted.by_age_alone or _is_wanted_file(folder, face.name, search):
            search.gone(face.name, remove(folder, face.name), face.stored_at)
    return search.found


def _is_wanted_file(folder: Path, name: str, search: Search) -> bool:
    record = record_of_face(folder, name)

    def score(person: Person) -> float | None:
        image = image_of_face(folder, name)
        return None if image is None else person.score(read_image(image))

    camera = None if record is None else record.camera
    return search.is_of_camera(name, camera) and search.matches(name, score)


def purge_shadow_log(
    path: Path, wanted: Wanted, *, dry_run: bool, looked: Looked = nobody_waits
) -> Purge:
    """
    Delete faces of a shadow log, a minute of footage at a time unless a person is looked for.

    Their bytes are overwritten, in the file and in its write-ahead log.

    Args:
        path: An existing log; the gate may be using it.
        wanted: Which; their age counts from the beginning of their minute. With a matching face
            goes what is noted of its track without a picture.
        dry_run: Only return what would be deleted.
        looked: Called for each face that was compared.

    Raises:
        ShadowLogError: Nothing was deleted.
    """
    search = Search(wanted, looked)
    with translated(path), closing(open_shadow_log(path)) as database:
        # The gate alone counts seconds without a gap; here they go on from what it stored last.
        until_s = OutboxClock(last_time(database), Clocks()).now().outbox_s - wanted.older_than_s
        faces = faces_before(database, until_s, wanted.camera)
        if wanted.person is not None:
            ids = _matching(pictures_before(database, until_s, wanted.camera), search)
            faces = [face for face in faces if face.face_id in ids]
        if not dry_run:
            with transaction(database):
                if wanted.person is None:
                    remove_before(database, until_s, wanted.camera)
                else:
                    remove_faces(database, [face.face_id for face in faces])
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for face in faces:
        search.gone(f"{face.camera}-{face.face_id}", face.bytes, face.wall_s)
    return search.found


def _matching(pictures: Iterator[KeptPicture], search: Search) -> set[int]:
    matching, tracks, bare = set(), set(), []
    for kept in pictures:
        stored = kept.stored
        if kept.picture is None and kept.embedding is None:
            bare.append(kept)
        elif search.matches(f"{stored.camera}-{stored.face_id}", partial(_score, kept)):
            matching.add(stored.face_id)
            tracks.add(kept.track)
    return matching | {kept.stored.face_id for kept in bare if kept.track in tracks}


def _score(kept: KeptPicture, person: Person) -> float | None:
    if kept.embedding is not None and kept.pair_id == person.pair_id:
        return person.score_of(kept.embedding)
    return None if kept.picture is None else person.score(image_of(kept.picture, "picture"))


def _look_aside(path: Path, search: Search, *, dry_run: bool) -> None:
    """Delete old damaged files set aside; whose faces are in them nobody can tell."""
    now = time.time()
    ours = re.compile(re.escape(f"{path.name}{SET_ASIDE}") + r"\d+(-wal|-shm)?")
    for file in sorted(path.parent.iterdir()):
        if ours.fullmatch(file.name) is None:
            continue
        status = file.stat()
        if now - status.st_mtime < search.wanted.older_than_s:
            continue
        if not search.wanted.by_age_alone:
            search.found.unknown.append(file.name)
            continue
        if not dry_run:
            file.unlink()
        search.gone(file.name, status.st_size, status.st_mtime)
