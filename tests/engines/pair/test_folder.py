from pathlib import Path

import pytest

from engines.errors import PairError
from engines.pair.folder import replaced_at_once, require_destination


@pytest.fixture
def old_pair(tmp_path):
    folder = tmp_path / "pair"
    folder.mkdir()
    (folder / "pair.yaml").write_text("old")
    (folder / "left.onnx").write_text("old")
    return folder


def fill(folder, text="new"):
    (folder / "pair.yaml").write_text(text)


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_appears_complete_with_its_parents(tmp_path):
    out = tmp_path / "deep" / "pair"
    with replaced_at_once(out) as folder:
        fill(folder)
        assert not out.exists()
    assert (out / "pair.yaml").read_text() == "new"
    assert listing(out.parent) == ["pair"]


def test_an_old_pair_is_replaced_whole(old_pair):
    with replaced_at_once(old_pair) as folder:
        fill(folder)
        assert (old_pair / "pair.yaml").read_text() == "old"
    assert listing(old_pair) == ["pair.yaml"]
    assert (old_pair / "pair.yaml").read_text() == "new"
    assert listing(old_pair.parent) == ["pair"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, PairError, SystemExit])
def test_whatever_ends_the_block_early_leaves_the_old_pair_and_nothing_else(old_pair, error):
    def interrupted():
        with replaced_at_once(old_pair) as folder:
            fill(folder)
            raise error

    with pytest.raises(error):
        interrupted()
    assert listing(old_pair) == ["left.onnx", "pair.yaml"]
    assert (old_pair / "pair.yaml").read_text() == "old"
    assert listing(old_pair.parent) == ["pair"]


def test_an_interrupted_first_build_leaves_nothing(tmp_path):
    def interrupted():
        with replaced_at_once(tmp_path / "pair") as folder:
            fill(folder)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert listing(tmp_path) == []


def test_an_empty_folder_may_be_filled(tmp_path):
    (tmp_path / "pair").mkdir()
    with replaced_at_once(tmp_path / "pair") as folder:
        fill(folder)
    assert listing(tmp_path / "pair") == ["pair.yaml"]


def test_what_is_no_pair_is_never_replaced(tmp_path):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "photograph.jpg").touch()
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("holiday", "file", "dangling"):
        with pytest.raises(PairError, match=f"{name}: exists and is no engine pair"):
            require_destination(tmp_path / name)


def test_a_file_that_arrives_during_the_build_is_not_overwritten(tmp_path):
    out = tmp_path / "pair"

    def overtaken():
        with replaced_at_once(out) as folder:
            fill(folder)
            out.mkdir()
            (out / "photograph.jpg").touch()

    with pytest.raises(PairError, match="no engine pair"):
        overtaken()
    assert listing(out) == ["photograph.jpg"]


def test_a_parent_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PairError, match="name a folder that can be written"):
        replaced_at_once(tmp_path / "file" / "pair").__enter__()


def test_a_full_disk_is_told_by_the_folder_that_needs_the_room(tmp_path):
    out = tmp_path / "pair"
    told = pytest.raises(PairError, match=f"{out}: No space left on device; make room")
    with told, replaced_at_once(out):
        Path("/dev/full").write_bytes(b"half a network")
    assert list(tmp_path.iterdir()) == []
