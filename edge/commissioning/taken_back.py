"""Files of a commissioning that nothing came of."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def taken_back_on_error(files: Collection[Path]) -> Iterator[None]:
    """Delete the files, those that came meanwhile too, unless the block ends without an error."""
    try:
        yield
    except BaseException:
        for path in files:
            path.unlink(missing_ok=True)
        raise
