"""Paths for OpenCV, which ends the process, without a word, at a name that is not UTF-8."""

from pathlib import Path

from edge.errors import SourceError


def native_path(path: Path) -> str:
    """
    Return a path as OpenCV takes it.

    Raises:
        SourceError: A name in it holds bytes that are no UTF-8.
    """
    text = str(path)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise SourceError(f"{path}: a name here is not UTF-8, which OpenCV cannot open; rename it")
    return text
