"""Photographs with the oddities of real cameras, and what a library must not be there for."""

import io
import struct
import sys

import pytest
from PIL import Image, ImageCms

from edge.sources import folders

SIDEWAYS = (0x0112, 3, 1, struct.pack(">H", 6))
"""EXIF orientation as one entry of a directory: turn 90 degrees clockwise to view."""

ODD_ENTRIES = {
    "width_as_text": (0x0100, 2, 4, b"640\0"),
    "interoperability_as_text": (0xA005, 2, 4, b"abc\0"),
    "unit_as_text": (0x0128, 2, 3, b"in\0"),
    "float_for_short": (0x0103, 11, 1, struct.pack(">f", 1.5)),
}
"""Tag, type, count and value of what Pillow reads and cannot write again."""


def exif_block(*entries):
    """Return an EXIF block, big-endian, of entries whose values have at most four bytes."""
    directory = b"".join(
        struct.pack(">HHI", tag, kind, count) + value.ljust(4, b"\0")
        for tag, kind, count, value in sorted(entries)
    )
    start = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", len(entries))
    return start + directory + b"\0\0\0\0"


def jpeg_with(exif):
    """Return a JPEG of a ramp, black above and white below as it is stored."""
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "JPEG", exif=exif)
    return file.getvalue()


def profile_of_swapped_colours():
    """Return an ICC profile by which stored red means green, and green red."""
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = swapped.index(b"rXYZ"), swapped.index(b"gXYZ")
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(swapped)


@pytest.fixture
def without_heif(monkeypatch):
    """Take away what reads HEIC, and let it be found again afterwards."""
    for name in ("pi_heif", "pillow_heif"):
        monkeypatch.setitem(sys.modules, name, None)
    folders.kinds()
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    for cached in (folders.kinds, folders.suffixes):
        cached.cache_clear()
    yield
    for cached in (folders.kinds, folders.suffixes):
        cached.cache_clear()
