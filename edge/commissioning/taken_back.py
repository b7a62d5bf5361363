"""Files of a commissioning that nothing came of."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.delivery.face_output import made_folder


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
    made_folder(folder)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # something is in it that is not ours
            for path in missing:
                path.rmdir()
        raise
