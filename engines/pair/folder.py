"""Put an engine pair into its folder all at once: half a pair never lies where one is expected."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engines.errors import PairError
from engines.pair.manifest import MANIFEST_NAME


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
