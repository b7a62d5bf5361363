"""A small file that somebody else wrote is read up to a bound, and only if it is a regular one."""

from pathlib import Path

from engines.errors import EnginesError


def read_bounded(path: Path, largest: int, refusal: type[EnginesError]) -> bytes:
    """
    Return what a file holds.

    Args:
        path: Of the file; a device or a pipe would have no end.
        largest: Most bytes that are accepted.
        refusal: What is raised, with the path and the reason.

    Raises:
        EnginesError: As `refusal`: no readable regular file, or too large.
    """
    try:
        if not path.is_file():
            words = "no regular file" if path.exists() else "no such file"
            raise refusal(f"{path}: cannot be read: {words}")
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise refusal(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > largest:
        raise refusal(f"{path}: larger than {largest:,} bytes")
    return content
