"""Delete counts, events and marks of a history by age and camera; no face is in one."""

import time
from contextlib import closing
from pathlib import Path

from edge.history.file import HistoryFile
from edge.history.tables import Told, remove_told, told_before
from edge.service.wanted_faces import Looked, Purge, Purged, Wanted, nobody_waits


def purge_history(
    path: Path, wanted: Wanted, *, dry_run: bool, looked: Looked = nobody_waits
) -> Purge:
    """
    Delete what a history tells; whom it is about nobody can tell, so a person's request leaves it.

    Its bytes are overwritten, in the file and in its write-ahead log. What a running gate counted
    within the last minute is not in the file yet.

    Args:
        path: An existing file; the gate may be using it.
        wanted: Which; the age of counts goes from the beginning of their hour.
        dry_run: Only return what would be deleted.
        looked: Not called: nothing can be compared.

    Raises:
        ConfigError: Nothing was deleted.
    """
    del looked
    if wanted.person is not None:
        return Purge(is_faceless=True)
    until_s = time.time() - wanted.older_than_s
    with closing(HistoryFile(path, time.monotonic)) as file:
        with file.changed() as database:
            told = told_before(database, until_s, wanted.camera)
            if not dry_run:
                database.execute("PRAGMA secure_delete = ON")
                remove_told(database, until_s, wanted.camera)
        if not dry_run:
            with file.read() as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Purge([_purged(one) for one in told], is_faceless=True)


def _purged(told: Told) -> Purged:
    return Purged(f"{told.camera} {told.words}", 0, told.wall_s, kind=told.kind)
