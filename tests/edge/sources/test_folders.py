"""Folders: what is read there is what is read when named, and the rest is told."""

from pathlib import Path

import pytest
from PIL import Image

from edge.config.source import VIDEO_SUFFIXES
from edge.errors import SourceError
from edge.sources.files import left_out
from edge.sources.folders import images_in, passed_over, suffixes
from edge.sources.images import read_image
from tests.edge.sources.odd_pictures import without_heif

__all__ = ["without_heif"]

KINDS = {
    **dict.fromkeys(("a.jpg", "a.jpeg", "a.jfif", "a.jpe", "A.JPG"), "JPEG"),
    **dict.fromkeys(("b.jp2", "b.j2k", "b.jpx"), "JPEG2000"),
    **dict.fromkeys(("c.pnm", "c.ppm", "c.pgm", "c.pbm"), "PPM"),
    "d.avif": "AVIF",
    "e.webp": "WEBP",
    "f.png": "PNG",
    "g.bmp": "BMP",
    "h.dib": "DIB",
    "i.tif": "TIFF",
    "i.tiff": "TIFF",
    "j.pcx": "PCX",
    "k.qoi": "QOI",
    "l.tga": "TGA",
}


@pytest.fixture
def ramp():
    return Image.linear_gradient("L").convert("RGB").resize((32, 24))


@pytest.mark.parametrize("name", KINDS)
def test_a_folder_gives_what_is_read_when_named(tmp_path, ramp, name):
    ramp.save(tmp_path / name, KINDS[name])
    (found,) = images_in([tmp_path])
    assert read_image(found).shape == (24, 32, 3)


def test_videos_are_no_pictures():
    assert not suffixes() & VIDEO_SUFFIXES


def test_what_folders_hold_besides_is_counted_with_its_reason(tmp_path, ramp):
    ramp.save(tmp_path / "a.png")
    (tmp_path / "sub").mkdir()
    for name in ("notes.txt", "sub/more.TXT", "sub/DSC1", ".a.png"):
        (tmp_path / name).touch()
    (tmp_path / "clip.mts").touch()
    assert left_out([tmp_path]) == (
        "4 files passed over: 1 hidden; 2 of unknown ending .txt; 1 without an ending"
    )


def test_hidden_folders_and_links_to_folders_are_passed_over_and_told(tmp_path, ramp):
    (tmp_path / "shown" / ".Trash-1000" / "files").mkdir(parents=True)
    ramp.save(tmp_path / "shown" / "a.png")
    ramp.save(tmp_path / "shown" / ".Trash-1000" / "files" / "thrown-away.png")
    (tmp_path / "shown" / "again.png").symlink_to(tmp_path / "shown", target_is_directory=True)
    (tmp_path / "shown" / "b.png").symlink_to(tmp_path / "shown" / "a.png")
    found = [path.name for path in images_in([tmp_path / "shown"])]
    assert found == ["a.png", "b.png"]
    assert left_out([tmp_path / "shown"]) == (
        "2 files passed over: 1 a link to a folder (name it itself); 1 hidden"
    )
    assert [path.name for path in images_in([tmp_path / "shown" / ".Trash-1000"])] == [
        "thrown-away.png"
    ]


def test_files_whose_path_is_too_long_are_found_and_passed_over_like_others(tmp_path, monkeypatch):
    deepest = tmp_path
    monkeypatch.chdir(tmp_path)
    while (left := 4090 - len(f"{deepest}/")) > 0:  # a path may have 4095 bytes
        name = "d" * min(left, 250)
        deepest /= name
        Path(name).mkdir()
        monkeypatch.chdir(name)
    for name in ("picture.png", "notes.txt"):
        Path(name).touch()
    assert list(images_in([tmp_path])) == [deepest / "picture.png"]
    assert passed_over([tmp_path], suffixes()) == "1 file passed over: 1 of unknown ending .txt"


def test_nothing_is_said_where_everything_is_read(tmp_path, ramp):
    ramp.save(tmp_path / "a.png")
    assert left_out([tmp_path]) is None
    assert left_out([tmp_path / "a.png", Path("gone.txt")]) is None


@pytest.mark.usefixtures("without_heif")
def test_pictures_of_telephones_are_told_with_what_reads_them(tmp_path):
    (tmp_path / "IMG_1.HEIC").touch()
    said = passed_over([tmp_path], suffixes())
    assert said == (
        "1 file passed over: 1 .heic (HEIC needs a library: pip install 'edge-gate[heic]')"
    )
    with pytest.raises(SourceError, match=r"no image below .*edge-gate\[heic\]"):
        list(images_in([tmp_path]))


def test_with_the_library_pictures_of_telephones_are_found():
    folder = Path(__file__).parents[2] / "data" / "pictures"
    assert [path.name for path in images_in([folder])] == ["sideways.heic"]
