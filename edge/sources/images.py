"""
Still images of any common kind as BGR pixels, or an error that names the file.

Pillow decodes, not OpenCV: it reads the size before a single pixel is decoded, so that a small file
cannot claim all memory, and it reports a truncated JPEG where OpenCV returns half a picture.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from edge.errors import ImageError, SourceError
from edge.samples import Pixels

PIXEL_BUDGET = 64_000_000
"""Width times height: above the largest common sensor, 192 MB as BGR."""

LONGEST_SIDE = 32_766
"""Pixels: OpenCV 4 warps nothing longer."""

SUFFIXES = frozenset(
    {".bmp", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
"""File name endings looked for in folders, lower case; a file named outright is always tried."""


def read_image(path: Path, budget: int = PIXEL_BUDGET) -> Pixels:
    """
    Return one image upright (EXIF orientation), in colour, 8 bits per channel.

    Grey becomes colour, 16 bits are scaled to 8 (65535 to 255), CMYK is converted, transparent
    pixels are laid over white, and of several frames the first is taken.

    Args:
        path: The file.
        budget: Largest width times height in pixels, checked before anything is decoded.

    Returns:
        (height, width, 3) uint8 BGR.

    Raises:
        ImageError: Missing, unreadable, empty, no image, cut short, larger than the budget or than
            LONGEST_SIDE, of floating-point pixels, or a folder, pipe or device.
    """
    try:
        _require_file(path)
        with warnings.catch_warnings():
            # The budget below is ours, and stricter than Pillow's warning.
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                _require_budget(path, image, budget)
                return _bgr(image)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        empty = path.stat().st_size == 0
        problem = "the file is empty" if empty else "this is no image of a known kind"
        raise ImageError(f"{path}: {problem}") from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{path}: far more than the {budget:,} pixels allowed; shrink the image first"
        ) from error
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file") from error
    # Pillow's decoders raise all of these on damaged files.
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
        raise ImageError(f"{path}: cannot be read: {_words(error)}") from error


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or "damaged"


def _require_file(path: Path) -> None:
    # Opening a pipe would wait for its writer.
    if path.exists() and not path.is_file():
        raise ImageError(f"{path}: a folder that cannot be listed, a pipe or a device")


def _require_budget(path: Path, image: Image.Image, budget: int) -> None:
    if max(image.size) > LONGEST_SIDE:
        raise ImageError(
            f"{path}: {image.width} x {image.height} pixels are more than {LONGEST_SIDE:,} on a "
            "side; cut the image first"
        )
    if image.width * image.height > budget:
        raise ImageError(
            f"{path}: {image.width} x {image.height} pixels are more than the {budget:,} allowed; "
            "shrink the image first"
        )


def _bgr(image: Image.Image) -> Pixels:
    upright = ImageOps.exif_transpose(image)
    rgb = np.asarray(_eight_bit(upright).convert("RGB"))
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray(_scaled(np.asarray(image)))
    if image.mode == "F":
        raise ValueError("floating-point pixels have no agreed range: convert it to 8 or 16 bits")
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba)
    return image


def _scaled(values: np.ndarray) -> Pixels:
    """Return 16-bit grey as 8 bits, a dark image as dark as it is."""
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("pixels of more than 16 bits: convert it to 8 or 16 bits")
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def images_in(paths: Sequence[Path]) -> Iterator[Path]:
    """
    Yield image files: those named outright, and those of folders below them, sorted.

    What is missing or cannot be listed is yielded too: `read_image` then says what is wrong with
    it, and the run goes on. Links to folders are not followed, so that a loop of links ends.

    Raises:
        SourceError: A folder holds no image.
    """
    return files_in(paths, SUFFIXES, "image")


def files_in(paths: Sequence[Path], suffixes: frozenset[str], kind: str) -> Iterator[Path]:
    """
    Yield files as `images_in` does, of any kind.

    Args:
        paths: Files, taken as they are, and folders.
        suffixes: Endings looked for in folders, lower case.
        kind: What such a file is, in words, for the error.

    Raises:
        SourceError: A folder holds no such file.
    """
    for path in paths:
        if path.is_dir():
            yield from _files_below(path, suffixes, kind)
        else:
            yield path


def _files_below(folder: Path, suffixes: frozenset[str], kind: str) -> Iterator[Path]:
    unlisted: list[Path] = []
    found = False
    for root, folders, files in os.walk(
        folder, onerror=lambda e: unlisted.append(Path(e.filename))
    ):
        folders.sort()
        for name in sorted(files):
            if Path(name).suffix.lower() in suffixes and not name.startswith("."):
                found = True
                yield Path(root) / name
    yield from unlisted
    if not found and not unlisted:
        raise SourceError(
            f"{folder}: no {kind} below this folder; known endings: {', '.join(sorted(suffixes))}"
        )


PICTURE = 112
"""Pixels: side of the pictures kept for the report."""


JPEG_QUALITY = 80


def picture_of(face_image: Pixels) -> bytes:
    """Return a face image as a small JPEG for a report."""
    shown = face_image
    if max(face_image.shape[:2]) > PICTURE:
        scale = PICTURE / max(face_image.shape[:2])
        shown = cv2.resize(face_image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()
