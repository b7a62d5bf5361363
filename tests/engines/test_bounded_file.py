import os

import pytest

from engines.bounded_file import read_bounded
from engines.errors import PairError


def test_a_file_of_exactly_the_bound_is_read_whole(tmp_path):
    (tmp_path / "key").write_bytes(b"1234")
    assert read_bounded(tmp_path / "key", 4, PairError) == b"1234"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b"12345"), "larger than 4 bytes"),
        (lambda path: path.mkdir(), "cannot be read: no regular file"),
        (os.mkfifo, "cannot be read: no regular file"),
        (lambda _: None, "cannot be read: no such file"),
        (lambda path: path.symlink_to(path), "cannot be read: .*"),
    ],
    ids=["large", "folder", "pipe", "absent", "a link to itself"],
)
def test_what_is_no_small_regular_file_is_the_callers_error_with_its_path(tmp_path, make, words):
    make(tmp_path / "key")
    with pytest.raises(PairError, match=f"{tmp_path / 'key'}: {words}$"):
        read_bounded(tmp_path / "key", 4, PairError)
