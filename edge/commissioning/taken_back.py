"""Files of a commissioning that nothing came of."""

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
            path.unlink(missing_ok=True)
        raise


@contextmanager
def made_for(folder: Path) -> Iterator[None]:
    """
    Make a folder, with those above; delete them again unless the block ends without an error.

    Raises:
        SinkError: It cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(f"{folder}: cannot be made: {error.strerror or error}") from error
    try:
        yield
    except BaseException:
        with suppress(OSError):  # something is in it that is not ours
            for path in missing:
                path.rmdir()
        raise
