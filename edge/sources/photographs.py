"""The kinds of pictures that are read, with the endings that name them."""

import warnings
from functools import cache
from importlib import import_module
from pathlib import Path

from PIL import Image, features

from edge.config.source import VIDEO_SUFFIXES

KINDS = frozenset(
    {
        *("AVIF", "BMP", "DIB", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM"),
        *("PSD", "QOI", "TGA", "TIFF", "WEBP"),
    }
)
"""
Pillow's names of the kinds that hold photographs. It knows more: of those some start another
program (EPS), some are only recognised (WMF, HDF5), and every one is a parser of foreign bytes.
"""

HEIF_SUFFIXES = frozenset({".heic", ".heics", ".heif", ".heifs", ".hif"})
"""What telephones write; needs a library of its own."""

_CODECS = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}
"""Kinds that Pillow can be built without, and what it then lacks."""

_HEIF_LIBRARIES = ("pi_heif", "pillow_heif")
"""Either is Pillow's plug-in; the first only decodes, and so comes without x265, which is GPL."""


@cache
def kinds() -> tuple[str, ...]:
    """Return Pillow's names of the kinds that can be decoded here."""
    Image.init()
    _register_heif()
    known = sorted(KINDS & Image.OPEN.keys())
    return tuple(kind for kind in known if kind not in _CODECS or features.check(_CODECS[kind]))


def _register_heif() -> None:
    for name in _HEIF_LIBRARIES:
        try:
            import_module(name).register_heif_opener()
        except (ImportError, OSError):  # absent, or its libheif is
            continue
        return


@cache
def suffixes() -> frozenset[str]:
    """Return the file name endings looked for in folders, lower case, those of videos left out."""
    decoded = kinds()  # registers what is asked for next
    endings = Image.registered_extensions().items()
    return frozenset(ending for ending, kind in endings if kind in decoded) - VIDEO_SUFFIXES


def advice(path: Path) -> str | None:
    """Return how a picture of this ending would be read, or None where the ending is no matter."""
    if path.suffix.lower() in HEIF_SUFFIXES and "HEIF" not in kinds():
        return "HEIC needs a library: pip install 'edge-gate[heic]'"
    return None


def is_photograph(path: Path) -> bool:
    """Tell by its first bytes whether a file is of a kind that is read as a picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=kinds()):
                return True
    except Exception:  # noqa: BLE001 -- foreign bytes; reading it says what is wrong
        return False
