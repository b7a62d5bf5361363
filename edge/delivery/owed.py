"""
A small file beside the outbox that remembers which faces are owed to which sinks.

A crash may cut the end of the outbox's write-ahead log, a damaged file is set aside, a deleted one
is gone: the database then cannot know what it has lost, and its books would balance all the same.
This file is written in place after each transaction. It survives a killed process; after a power
cut it is as old as what the system last brought to the disk, like the log itself, and what it
tells is an estimate.

    magic, number of the newest face, names of the sinks (JSON), what the books lack, then a mask
    for each of the last 16384 faces, in turns: bit n is set while the n-th sink's queue holds the
    face

What the books lack is what happened to faces while a full disk took no transaction: this file has
its room already. The outbox books it with its next transaction, and its number with it: a kill
before the note is cleared leaves both, and the next process books none of it again.
"""

import errno
import json
import logging
import os
import secrets
import sqlite3
import struct
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from edge.delivery.outbox_ledger import Counted, Note, summed

log = logging.getLogger(__name__)

SUFFIX = "-owed"
MAGIC = b"EGOWED1\n"
SLOTS = 16384
_HEAD = struct.Struct("<8sQQ")
"""Magic, the number, and the number with all bits turned: one flipped bit must not count."""
_ALL_BITS = 2**64 - 1
NOT_NOTED = "outbox %s: %s; the next process will not know what its books lack: %s"
_MASK = struct.Struct("<I")
_MASKS_AT = 4096
_MOST_SINKS = 32
_LACKING_AT = 2048
_LACKING = struct.Struct("<II")
"""Length in bytes of what the books lack, and the CRC-32 of the names and of it."""
_ENTRY = struct.Struct("<BBq")
"""Sink and event by their numbers, faces."""
_NUMBER = struct.Struct("<QI")
"""Behind the entries: the number of the note, and the CRC-32 of them and of the number."""
_NUMBER_BITS = 53
_EVENTS = ("queued", "delivered", "evicted", "expired", "purged", "lost")
_MORE = """
CREATE TEMP TRIGGER owed_more AFTER INSERT ON queue
BEGIN SELECT owe(NEW.face_id, NEW.sink, 1); END
"""
_LESS = """
CREATE TEMP TRIGGER owed_less AFTER DELETE ON queue
BEGIN SELECT owe(OLD.face_id, OLD.sink, 0); END
"""


class Owed:
    """Follows the queues of one open outbox; for one thread at a time."""

    def __init__(self, outbox: Path, sinks: Iterable[str]) -> None:
        """
        Open or make the file; one that is not of this form is begun anew.

        Args:
            outbox: Path of the database.
            sinks: Those that may get faces; those of earlier processes keep their places.

        Raises:
            OSError: The file system refuses.
        """
        self._path = _beside(outbox)
        self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._is_deleted = False
        self._pending: list[tuple[int, str, int]] = []
        content = os.pread(self._file, _size(), 0)
        self.newest, known, self._masks = _parsed(content)
        self._sinks = [*dict.fromkeys((*known, *sinks))][:_MOST_SINKS]
        self.note = _parsed_note(content, known)
        """What the books lack, as far as they do not have it from this note."""

    def missing(self, newest: int) -> tuple[int, dict[str, int]]:
        """
        Return how many faces are lost, and how many of them were owed to each sink.

        Args:
            newest: Number of the newest face that the database ever held, as far as it knows.
        """
        first = max(newest, self.newest - SLOTS) + 1
        masks = [self._masks[face % SLOTS] for face in range(first, self.newest + 1)]
        owed = Counter(
            sink for mask in masks for bit, sink in enumerate(self._sinks) if mask >> bit & 1
        )
        return sum(mask != 0 for mask in masks), dict(owed)

    def begin(self, newest: int, queued: Iterable[tuple[int, str]]) -> None:
        """
        Go on from what the database holds.

        Args:
            newest: Number of the newest face it ever held.
            queued: Each face and a sink whose queue holds it.

        Raises:
            OSError: The file system refuses.
        """
        self.newest, self._masks = newest, array("I", bytes(4 * SLOTS))
        for face, sink in queued:
            if face > newest - SLOTS:
                self._set(face, sink, 1)
        self._write()

    def lack(self, counted: Sequence[Counted]) -> None:
        """
        Write down what the books lack now, instead of what they lacked before.

        Raises:
            OSError: The file system refuses: the file has no room yet, and there is none.
        """
        self.note = Note(_number(), tuple(counted))
        if self._is_deleted and not counted:
            return
        if self._is_deleted:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self._path))
        self._write()

    def lack_more(self, counted: Sequence[Counted]) -> None:
        """
        Write down what the books lack too, whether they have the rest of the note or not.

        Raises:
            OSError: As for `lack`.
        """
        self.note = replace(self.note, counted=tuple(summed([*self.note.counted, *counted])))
        self._write()

    def follow(self, database: sqlite3.Connection) -> None:
        """Let a database tell what enters and leaves its queues."""
        database.create_function("owe", 3, lambda *change: self._pending.append(change))
        database.execute(_MORE)
        database.execute(_LESS)

    def commit(self) -> None:
        """Write down what a transaction changed."""
        changed = {face for face, _, _ in self._pending}
        before, self.newest = self.newest, max({self.newest, *changed})
        for face in range(max(before, self.newest - SLOTS) + 1, self.newest + 1):
            self._masks[face % SLOTS] = 0  # its turn: the face before is told by no mask any more
        for face, sink, is_owed in self._pending:
            self._set(face, sink, is_owed)
        self._pending.clear()
        with suppress(OSError):  # a failing disk: the outbox itself has more to say about it
            for slot in {face % SLOTS for face in changed}:
                os.pwrite(self._file, _MASK.pack(self._masks[slot]), _MASKS_AT + 4 * slot)
            if self.newest > before:
                os.pwrite(self._file, _head(self.newest), 0)

    def roll_back(self) -> None:
        """Forget what a transaction would have changed."""
        self._pending.clear()

    def delete(self) -> None:
        """Delete the file: the faces are looked after elsewhere."""
        self._is_deleted = True
        with suppress(OSError):
            self._path.unlink()

    def close(self) -> None:
        """Close the file; nothing is written any more."""
        os.close(self._file)

    def _set(self, face: int, sink: str, is_owed: int) -> None:
        if sink not in self._sinks or face <= self.newest - SLOTS:
            return
        bit, slot = 1 << self._sinks.index(sink), face % SLOTS
        self._masks[slot] = self._masks[slot] | bit if is_owed else self._masks[slot] & ~bit

    def _write(self) -> None:
        os.posix_fallocate(self._file, 0, _size())  # all of it or nothing
        os.pwrite(self._file, self._whole(), 0)

    def _whole(self) -> bytes:
        names = json.dumps(self._sinks).encode()
        head = (_head(self.newest) + names).ljust(_LACKING_AT, b"\0")[:_LACKING_AT]
        note = _note_bytes(self.note, self._sinks, head[_HEAD.size :])
        return head + note.ljust(_MASKS_AT - _LACKING_AT, b"\0") + self._masks.tobytes()


def _beside(outbox: Path) -> Path:
    return outbox.with_name(outbox.name + SUFFIX)


def _head(newest: int) -> bytes:
    return _HEAD.pack(MAGIC, newest, newest ^ _ALL_BITS)


def note_beside(outbox: Path) -> Note:
    """Return what the books of an outbox may lack, by the file beside it as it is."""
    with suppress(OSError):
        content = _beside(outbox).read_bytes()
        return _parsed_note(content, _parsed(content)[1])
    return Note(_number(), ())


def _number() -> int:
    return secrets.randbits(_NUMBER_BITS)


def _note_bytes(note: Note, sinks: Sequence[str], names: bytes) -> bytes:
    entries = b"".join(
        _ENTRY.pack(sinks.index(sink), _EVENTS.index(event), faces)
        for sink, event, faces in note.counted
        if sink in sinks
    )
    if not entries:
        return b""
    number = _NUMBER.pack(note.number, _checksum(entries, note.number))
    return _LACKING.pack(len(entries), zlib.crc32(names + entries)) + entries + number


def _checksum(entries: bytes, number: int) -> int:
    return zlib.crc32(entries + number.to_bytes(8, "little"))


def _parsed_note(content: bytes, sinks: Sequence[str]) -> Note:
    """Return the note of a file; one that tells its number no more is as good as a new one."""
    entries = _parsed_entries(content)
    if not entries:
        return Note(_number(), ())
    end = _LACKING_AT + _LACKING.size + len(entries)
    number, checksum = _NUMBER.unpack_from(content, end)
    counted = (
        (sinks[sink], _EVENTS[event], faces)
        for sink, event, faces in _ENTRY.iter_unpack(entries)
        if sink < len(sinks) and event < len(_EVENTS)
    )
    is_known = checksum == _checksum(entries, number)
    return Note(number if is_known else _number(), tuple(counted))


def _parsed_entries(content: bytes) -> bytes:
    if len(content) != _size():
        return b""
    size, checksum = _LACKING.unpack_from(content, _LACKING_AT)
    entries = content[_LACKING_AT + _LACKING.size : _MASKS_AT - _NUMBER.size][:size]
    names = content[_HEAD.size : _LACKING_AT]
    if zlib.crc32(names + entries) != checksum or len(entries) % _ENTRY.size:
        return b""
    return entries


def _size() -> int:
    return _MASKS_AT + 4 * SLOTS


def _parsed(content: bytes) -> tuple[int, Sequence[str], "array[int]"]:
    masks = array("I", content[_MASKS_AT:] if len(content) == _size() else bytes(4 * SLOTS))
    try:
        magic, newest, turned = _HEAD.unpack_from(content)
        names = json.loads(content[_HEAD.size : _LACKING_AT].rstrip(b"\0"))
    except (struct.error, ValueError):
        magic = newest = turned = names = None
    if magic == MAGIC and newest ^ turned == _ALL_BITS and len(content) == _size():
        return newest, list(map(str, names)), masks
    return 0, [], array("I", bytes(4 * SLOTS))
