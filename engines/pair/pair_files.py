"""The files of an engine pair, believed only when their hash is the promised one."""

import hashlib
from pathlib import Path

from engines.errors import PairIntegrityError
from engines.pair.manifest import FileRecord


def checked_content(folder: Path, file: FileRecord) -> bytes:
    """
    Return a file's content after comparing its hash with the manifest.

    Raises:
        PairIntegrityError: Missing, or not the promised one.
    """
    path = folder / file.name
    advice = "the file was swapped, edited or cut short; build the pair again"
    try:
        size = path.stat().st_size
        if size != file.bytes:  # before reading: it may be of any size
            raise PairIntegrityError(
                f"{path}: has {size:,} bytes, the manifest says {file.bytes:,}: {advice}"
            )
        content = path.read_bytes()
    except OSError as error:
        raise PairIntegrityError(f"{path}: {error.strerror}; build the pair again") from error
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise PairIntegrityError(
            f"{path}: SHA-256 is {found}, the manifest says {file.sha256}: {advice}"
        )
    return content
