"""Put an engine pair into its folder all at once: half a pair never lies where one is expected."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engines.errors import PairError, PairIntegrityError
from engines.pair.manifest import MANIFEST_NAME, FileRecord


def require_destination(out: Path) -> None:
    """
    Refuse to replace anything but an engine pair or an empty folder.

    Raises:
        PairError: Something else is there.
    """
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir() or (any(out.iterdir()) and not (out / MANIFEST_NAME).is_file()):
        raise PairError(f"{out}: exists and is no engine pair; name another folder")


@contextmanager
def replaced_at_once(out: Path) -> Iterator[Path]:
    """
    Yield an empty folder that becomes `out` when the block ends well, and vanishes otherwise.

    An engine pair at `out` stays in place, usable, until then.

    Raises:
        PairError: `out` holds something else, or its parent cannot be written.
    """
    require_destination(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise PairError(f"{out}: {error.strerror}; name a folder that can be written") from error
    try:
        fresh = work / "new"
        fresh.mkdir()
        yield fresh
        _swap(fresh, out, work / "old")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _swap(fresh: Path, out: Path, old: Path) -> None:
    require_destination(out)  # again: building takes minutes
    if out.exists():
        out.rename(old)
    try:
        fresh.rename(out)
    except BaseException:
        if old.exists():
            old.rename(out)
        raise


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
