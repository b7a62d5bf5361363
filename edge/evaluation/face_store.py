"""
What was computed of each image, kept on disk so that an evaluation can stop and go on.

The file holds embeddings, which are biometric data: delete it with the evaluation's folder.
"""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from edge.errors import EvaluationFileError
from engines.quality.specification import Embeddings

COMMIT_EVERY = 50
"""Entries; what an interrupted run may lose."""

Facts: TypeAlias = dict[str, Any]
"""Anything JSON can say."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One thing computed."""

    facts: Facts
    embedding: Embeddings | None = None
    """(D,) float32."""


def key_of(*parts: object) -> str:
    """Return the name of what was computed from these parts (numbers, strings, None)."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class FaceStore:
    """Entries by key, in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """
        Open the file, or make it and its folder.

        Raises:
            EvaluationFileError: It cannot be opened or is something else.
        """
        self._path = path
        self._uncommitted = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = _opened(path)
        except (OSError, sqlite3.Error) as error:
            raise EvaluationFileError(
                f"{path}: cannot keep what is computed: {error}; delete the file or choose another "
                "folder with --out"
            ) from error

    def get(self, key: str) -> Entry | None:
        """Return what was computed under this key, or None."""
        row = self._execute("SELECT facts, embedding FROM entry WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        facts, blob = row
        return Entry(json.loads(facts), None if blob is None else np.frombuffer(blob, np.float32))

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry in place of an earlier one."""
        blob = None if entry.embedding is None else entry.embedding.astype(np.float32).tobytes()
        values = (key, json.dumps(entry.facts), blob)
        self._execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", values)
        self._uncommitted += 1
        if self._uncommitted >= COMMIT_EVERY:
            self.commit()

    def commit(self) -> None:
        """Write to disk what was put."""
        try:
            self._database.commit()
        except sqlite3.Error as error:
            raise EvaluationFileError(f"{self._path}: cannot be written: {error}") from error
        self._uncommitted = 0

    def close(self) -> None:
        """Commit and close, also after Ctrl-C: the next run goes on from here."""
        self.commit()
        self._database.close()

    def _execute(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        try:
            return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise EvaluationFileError(
                f"{self._path}: {error}; delete the file to compute everything again"
            ) from error


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    try:
        database.execute(
            "CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, facts TEXT, embedding BLOB)"
        )
    except sqlite3.Error:
        database.close()
        raise
    return database
