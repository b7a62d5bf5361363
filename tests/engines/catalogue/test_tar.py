import io
import random
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress

from engines.catalogue.tar import extract, is_inside, matches
from engines.errors import FetchError
from tests.engines.packages import tarball

SILENT = Progress(disable=True)


def test_a_star_stands_for_anything_but_a_slash():
    assert matches("faces/s*/*.pgm", "faces/s12/3.pgm")
    assert not matches("faces/s*/*.pgm", "faces/s12/deep/3.pgm")


@given(st.text(alphabet="ab.*/[?", max_size=8))
def test_a_name_without_a_star_fits_only_itself(name: str):
    plain = name.replace("*", "+")
    assert matches(plain, plain)
    assert not matches(plain, plain + "a")


@pytest.mark.parametrize("member", ["/etc/passwd", "../up", "a/../../up", "", "."])
def test_these_members_would_leave_the_folder(member: str):
    assert not is_inside(member)


def test_a_link_is_not_followed_and_not_taken(tmp_path: Path):
    archive = tmp_path / "links.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        link = tarfile.TarInfo("a/link")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/passwd"
        tar.addfile(link, io.BytesIO())
    with pytest.raises(FetchError, match="no member a/link"):
        extract(archive, "a/link", tmp_path / "out", SILENT)


@pytest.mark.parametrize(
    "content",
    [b"", b"text", tarball({"a": b"a" * 9999})[:-40]],
    ids=["empty", "text", "cut"],  # an archive holds the time, and would be named otherwise
)
def test_a_file_that_is_no_whole_archive_is_named(tmp_path: Path, content: bytes):
    archive = tmp_path / "broken.tgz"
    archive.write_bytes(content)
    with pytest.raises(FetchError, match=r"broken\.tgz: not a readable package archive"):
        extract(archive, "b", tmp_path / "out", SILENT)


def test_what_was_extracted_from_a_broken_archive_is_whole(tmp_path: Path):
    archive = tmp_path / "broken.tgz"
    noise = random.Random(1).randbytes(100_000)  # does not compress
    archive.write_bytes(tarball({"a": b"whole", "b": noise})[:-2000])
    with pytest.raises(FetchError):
        extract(archive, "*", tmp_path, SILENT)
    assert (tmp_path / "a").read_bytes() == b"whole"
    assert not (tmp_path / "b").exists()


def test_one_file_is_looked_for_no_further(tmp_path: Path):
    archive = tmp_path / "broken.tgz"
    noise = random.Random(1).randbytes(100_000)  # does not compress
    archive.write_bytes(tarball({"a": b"whole", "b": noise})[:-2000])
    (path,) = extract(archive, "a", tmp_path, SILENT)
    assert path.read_bytes() == b"whole"
