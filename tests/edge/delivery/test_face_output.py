import os

import pytest

from edge.delivery.face_output import made_folder, whole_text
from edge.errors import SinkError


def test_a_folder_for_results_is_made_and_left_empty(tmp_path):
    made = made_folder(tmp_path / "new" / "folder")
    assert list(made.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(SinkError, match=r"taken: no folder to write to: .*; name another with"):
        made_folder(tmp_path / "taken")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(SinkError, match="Permission denied"):
        made_folder(tmp_path)


def test_bytes_of_a_name_that_are_no_utf_8_are_written_as_such(tmp_path):
    with whole_text(tmp_path / "report") as file:
        file.write(os.fsdecode(b"caf\xe9"))
    assert (tmp_path / "report").read_text("utf-8") == r"caf\udce9"
