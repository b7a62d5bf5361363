"""
Still images of any common kind as BGR pixels, or an error that names the file.

Pillow decodes, not OpenCV: it reads the size before a single pixel is decoded, so that a small file
cannot claim all memory, and it reports a truncated JPEG where OpenCV returns half a picture.
"""

import warnings
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from edge.errors import ImageError
from edge.samples import PIXEL_BUDGET, Pixels
from edge.sources.folders import advice, kinds

ROUNDING = 2
"""Levels of 255: what converting sRGB to itself by way of a profile may change."""

LONGEST_SIDE = 32_766
"""Pixels: OpenCV 4 warps nothing longer."""


def read_image(path: str | Path, budget: int = PIXEL_BUDGET) -> Pixels:
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
    path = Path(path)
    try:
        _require_file(path)
        # Not by its path: then Pillow maps grey TIFF by the turned size, which shears it.
        with path.open("rb") as file:
            return _decoded(file, path, budget)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(f"{path}: {_unidentified(path)}") from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{path}: far more than the {budget:,} pixels allowed; shrink the image first"
        ) from error
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file") from error
    # Foreign code on foreign bytes: no list of what decoders raise was ever complete.
    except Exception as error:
        raise ImageError(f"{path}: cannot be read: {_words(error)}") from error


def image_of(content: bytes, name: str, budget: int = PIXEL_BUDGET) -> Pixels:
    """
    Return the image that these bytes hold, as `read_image` does that of a file.

    Raises:
        ImageError: They hold none that can be read; the message begins with the name.
    """
    try:
        return _decoded(BytesIO(content), Path(name), budget)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(f"{name}: cannot be read: {_words(error)}") from error


def _decoded(file: BinaryIO, path: Path, budget: int) -> Pixels:
    with warnings.catch_warnings():
        # The budget below is ours, and stricter than Pillow's warning.
        warnings.simplefilter("ignore")
        with Image.open(file, formats=kinds()) as image:
            _require_budget(path, image, budget)
            return _bgr(image)


def _unidentified(path: Path) -> str:
    if path.stat().st_size == 0:
        return "the file is empty"
    return advice(path) or "this is no image of a known kind"


def _words(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
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
    image.load()
    upright = _upright(image)
    rgb = np.asarray(_standard_colours(_eight_bit(upright), image.info.get("icc_profile")))
    return np.ascontiguousarray(rgb[:, :, ::-1])


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""From EXIF orientation to what brings a picture upright (CIPA DC-008, 4.6.5 Orientation)."""


def _upright(image: Image.Image) -> Image.Image:
    """Turn as EXIF says; Pillow's own also writes EXIF anew, which fails on what cameras write."""
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 -- whatever is wrong with the EXIF, the picture is sound
        turn = None
    return image if turn is None else image.transpose(turn)


def _standard_colours(image: Image.Image, profile: bytes | None) -> Image.Image:
    """
    Return sRGB, which is what a picture without a profile is taken for.

    What leaves carries no profile: a face in the colours of Display P3 or Adobe RGB would arrive
    paler than it was.
    """
    if profile and image.mode in {"RGB", "CMYK"}:
        try:
            return _converted(image, ImageCms.ImageCmsProfile(BytesIO(profile)))
        except Exception:  # noqa: BLE001 -- an odd profile; people see such a picture without it
            return image.convert("RGB")
    return image.convert("RGB")


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    to_srgb = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), image.mode, "RGB")
    if image.mode == "RGB" and _changes_nothing(to_srgb):
        return image
    return ImageCms.applyTransform(image, to_srgb) or image


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Tell whether colours stay what they are but for rounding; a profile's name says little."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    sent = Image.fromarray(colours)
    arrived = np.asarray(ImageCms.applyTransform(sent, transform))
    return int(np.abs(arrived.astype(int) - colours).max()) <= ROUNDING


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
