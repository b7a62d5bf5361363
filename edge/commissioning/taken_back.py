"""Files of a commissioning that nothing came of."""

import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.errors import SinkError


@contextmanager
def taken_back_on_error(files: Collection[Path]) -> Iterator[None]:
    """Delete the files, those that came meanwhile too, unless the block ends without an error."""
    try:
        yield
    except BaseException:
        for path in files:
            with suppress(OSError):  # not there, or what it failed by: that error is told
                path.unlink()
        raise


@contextmanager
def made_for(folder: Path) -> Iterator[None]:
    """
    Make a folder, with those above; delete them again unless the block ends without an error.

    Raises:
        SinkError: It cannot be made, or nothing can be written into it.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SinkError(
            f"{folder}: no folder to write to: {error.strerror or error}; name another with --out"
        ) from error
    try:
        yield
    except BaseException:
        with suppress(OSError):  # something is in it that is not ours
            for path in missing:
                path.rmdir()
        raise
