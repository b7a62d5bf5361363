import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from edge.errors import ImageError, SourceError
from edge.sources.files import listed
from edge.sources.folders import images_in
from edge.sources.images import read_image
from tests.edge.sources.odd_pictures import (
    ODD_ENTRIES,
    SIDEWAYS,
    exif_block,
    jpeg_with,
    profile_of_swapped_colours,
    without_heif,
)

__all__ = ["without_heif"]

HERE = Path(__file__).parent
CORPUS = sorted((HERE / "corpus" / "pictures").iterdir())


@pytest.fixture
def picture():
    """Left half red, right half blue, RGB."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30, 0] = 255
    pixels[:, 30:, 2] = 255
    return pixels


def saved(tmp_path, pixels, name, **options):
    path = tmp_path / name
    Image.fromarray(pixels).save(path, **options)
    return path


def test_colours_come_as_blue_green_red(tmp_path, picture):
    pixels = read_image(saved(tmp_path, picture, "a.png"))
    assert pixels[0, 0].tolist() == [0, 0, 255]
    assert pixels[0, -1].tolist() == [255, 0, 0]


def test_a_photograph_taken_sideways_is_turned_upright(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate 90 degrees clockwise to view
    pixels = read_image(saved(tmp_path, picture, "a.jpg", exif=exif, quality=95))
    assert pixels.shape == (60, 40, 3)
    assert pixels[5, 20, 2] > 200  # the left half is now on top


@pytest.mark.parametrize("entry", ODD_ENTRIES.values(), ids=ODD_ENTRIES)
def test_a_sound_picture_with_odd_exif_is_turned_upright(tmp_path, entry):
    path = tmp_path / "odd.jpg"
    path.write_bytes(jpeg_with(exif_block(SIDEWAYS, entry)))
    pixels = read_image(path)
    assert pixels[128, 5].mean() > 200  # white, which is stored below, is at the left
    assert pixels[128, -5].mean() < 50


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0xx"])
def test_a_sound_picture_with_exif_that_is_none_is_read_as_it_is_stored(tmp_path, exif):
    path = tmp_path / "odd.jpg"
    path.write_bytes(jpeg_with(exif))
    assert read_image(path)[5, 128].mean() < 50


UPRIGHT = np.array([[0, 40, 80], [120, 160, 200]], np.uint8).repeat(16, 0).repeat(16, 1)
STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT),
    7: UPRIGHT[::-1, ::-1].T,
    8: np.rot90(UPRIGHT, -1),
}
"""EXIF orientation: the same picture as such a camera stores it."""


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_of_every_kind_becomes_the_same_picture(tmp_path, orientation, name):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED[orientation])
    options = {"exif": exif} | ({} if name == "a.tif" else {"quality": 95})
    grey = read_image(saved(tmp_path, stored, name, **options))[:, :, 0]
    np.testing.assert_allclose(grey.astype(int), UPRIGHT, atol=4)


@pytest.mark.parametrize(
    "raised",
    [struct.error("bad"), MemoryError(), RuntimeError("no"), KeyError(1), ZeroDivisionError()],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_decoder_raises_is_that_files_failure(tmp_path, picture, monkeypatch, raised):
    def opened(*_, **__):
        raise raised

    monkeypatch.setattr(Image, "open", opened)
    with pytest.raises(ImageError, match=r"a\.png: cannot be read: ."):
        read_image(saved(tmp_path, picture, "a.png"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_fuzzing_found_is_an_error_that_names_the_file(path):
    with pytest.raises(ImageError, match=path.name):
        read_image(path)


def test_heic_is_read_and_turned_upright_once():
    pixels = read_image(HERE.parents[1] / "data" / "pictures" / "sideways.heic")
    assert pixels.shape == (60, 40, 3)
    assert pixels[5, 20, 2] > 200  # the left half, red, is now on top


@pytest.mark.usefixtures("without_heif")
def test_heic_without_its_library_is_an_error_that_says_how_to_get_it():
    with pytest.raises(ImageError, match=r"sideways\.heic: .*pip install 'edge-gate\[heic\]'"):
        read_image(HERE.parents[1] / "data" / "pictures" / "sideways.heic")


def test_colours_of_a_profile_become_standard_ones(tmp_path, picture):
    path = saved(tmp_path, picture, "a.png", icc_profile=profile_of_swapped_colours())
    assert read_image(path)[0, 0].tolist() == pytest.approx([0, 255, 0], abs=4)  # red meant green


def test_a_profile_that_changes_nothing_leaves_every_pixel(tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = saved(tmp_path, noise, "a.png", icc_profile=profile)
    assert np.array_equal(read_image(path)[:, :, ::-1], noise)


@pytest.mark.parametrize("profile", [b"no profile", profile_of_swapped_colours()[:200]])
def test_a_broken_profile_leaves_the_picture_as_it_is(tmp_path, picture, profile):
    path = saved(tmp_path, picture, "a.png", icc_profile=profile)
    assert read_image(path)[0, 0].tolist() == [0, 0, 255]


def test_a_jpeg_with_bytes_between_its_parts_is_read(tmp_path, picture):
    whole = saved(tmp_path, picture, "a.jpg", quality=95)
    content = whole.read_bytes()
    scan = content.index(b"\xff\xda")
    whole.write_bytes(content[:scan] + b"\x00\x11\x22" + content[scan:])
    assert read_image(whole)[20, 10, 2] > 200


def test_grey_alpha_cmyk_and_16_bit_become_bgr(tmp_path, picture):
    grey = saved(tmp_path, picture[:, :, 0], "grey.png")
    alpha = np.dstack([picture, np.zeros((40, 60), np.uint8)])
    clear = saved(tmp_path, alpha, "alpha.png")
    cmyk = tmp_path / "cmyk.jpg"
    Image.fromarray(picture).convert("CMYK").save(cmyk, quality=95)
    deep = saved(tmp_path, np.full((8, 9), 32896, np.uint16), "deep.png")
    assert read_image(grey)[0, 0].tolist() == [255, 255, 255]
    assert read_image(clear)[0, 0].tolist() == [255, 255, 255]  # wholly transparent: white
    assert read_image(cmyk)[20, 10, 2] > 200
    assert read_image(deep)[0, 0].tolist() == [128, 128, 128]


def test_a_truncated_jpeg_is_an_error_and_not_half_a_picture(tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    whole = saved(tmp_path, noise, "whole.jpg").read_bytes()
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match=r"cut\.jpg.*truncated"):
        read_image(cut)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "the file is empty"), (b"hello, I am text\n" * 9, "no image of a known kind")],
)
def test_empty_and_foreign_files_are_named(tmp_path, content, said):
    path = tmp_path / "odd.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=rf"odd\.jpg: .*{said}"):
        read_image(path)


def test_a_header_that_claims_900_million_pixels_is_refused_before_decoding(tmp_path):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    with pytest.raises(ImageError, match=r"bomb\.png.*(30000 x 30000|pixels)"):
        read_image(bomb)


def test_the_budget_counts_pixels_and_is_inclusive(tmp_path, picture):
    path = saved(tmp_path, picture, "a.png")
    assert read_image(path, budget=2400).shape == (40, 60, 3)
    with pytest.raises(ImageError, match="60 x 40 pixels"):
        read_image(path, budget=2399)


def test_a_ribbon_that_opencv_cannot_warp_is_refused(tmp_path):
    with pytest.raises(ImageError, match=r"ribbon\.png: 32767 x 2 pixels are more than 32,766"):
        read_image(saved(tmp_path, np.zeros((2, 32767, 3), np.uint8), "ribbon.png"))


@pytest.mark.parametrize("dark", [0, 40, 255])
def test_a_dark_image_of_16_bits_stays_as_dark_as_it_is(tmp_path, dark):
    deep = np.full((8, 9), dark, np.uint16)
    deep[0, 0] = 65535 if dark == 40 else dark
    assert read_image(saved(tmp_path, deep, "deep.png"))[5, 5].tolist() == [round(dark / 257)] * 3


@pytest.mark.parametrize(("kind", "said"), [(np.float32, "floating-point"), (np.int32, "16 bits")])
def test_pixels_without_an_agreed_range_are_refused(tmp_path, kind, said):
    path = saved(tmp_path, np.full((8, 9), 70000, kind), "deep.tif")
    with pytest.raises(ImageError, match=rf"deep\.tif: .*{said}"):
        read_image(path)


def test_what_is_missing_is_named_when_it_is_its_turn(tmp_path, picture):
    whole = saved(tmp_path, picture, "a.png")
    missing = tmp_path / "gone.png"
    assert list(images_in([missing, whole])) == [missing, whole]
    with pytest.raises(ImageError, match=r"gone\.png: no such file"):
        read_image(missing)


def test_a_folder_without_images_is_named(tmp_path):
    with pytest.raises(SourceError, match="no image below"):
        list(images_in([tmp_path]))


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path, make):
    make(tmp_path / "odd.png")
    with pytest.raises(ImageError, match=r"odd\.png: a folder that cannot be listed, a pipe"):
        read_image(tmp_path / "odd.png")


def test_a_folder_that_cannot_be_listed_is_named_and_the_others_are_read(tmp_path, picture):
    whole = saved(tmp_path, picture, "a.png")
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(17):  # longer than any path may be
        os.mkdir("d" * 250, dir_fd=place)
        deeper = os.open("d" * 250, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = deeper
    os.close(place)
    first, unlisted = images_in([tmp_path])
    assert first == whole
    assert listed([tmp_path, unlisted]) == ((whole, unlisted, unlisted), ())
    with pytest.raises(ImageError, match="cannot be read: File name too long"):
        read_image(unlisted)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.bmp", "a.gif", "a.tif", "a.ppm"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_a_file_cut_anywhere_is_an_error_in_every_format(tmp_path, name, share):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = saved(tmp_path, noise, name)
    content = whole.read_bytes()
    whole.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ImageError, match=name):
        read_image(whole)


def test_folders_are_searched_in_order_and_link_loops_end(tmp_path, picture):
    (tmp_path / "b").mkdir()
    saved(tmp_path, picture, "z.png")
    saved(tmp_path / "b", picture, "A.JPG")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    found = [path.relative_to(tmp_path).as_posix() for path in images_in([tmp_path])]
    assert found == ["z.png", "b/A.JPG"]


@pytest.mark.parametrize("name", [b"\xc5\xbdofie.jpg", b"Ren\xe9e.jpg", "김철수.png".encode()])
def test_a_photograph_of_any_name_is_read(tmp_path, picture, name):
    plain = saved(tmp_path, picture, "a.jpg")
    named = plain.rename(tmp_path / os.fsdecode(name))
    assert list(images_in([tmp_path])) == [named]
    assert read_image(named).shape == picture.shape
