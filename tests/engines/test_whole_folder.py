import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engines import whole_folder as module
from engines.errors import PairError
from engines.pair.folder import replaced_at_once
from engines.whole_folder import exchange, is_writable, whole_folder

ROOT = Path(__file__).resolve().parents[2]
KILLED = """\
import errno, os, signal, sys
from pathlib import Path
from engines import whole_folder as module

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def cannot(*_):
    raise OSError(errno.EINVAL, "cannot")

def between(self, to, real=Path.rename):
    real(self, to)
    die()

step, out = sys.argv[1], Path(sys.argv[2])
if step in ("_workplace", "_made", "_put_in_place", "exchange"):
    setattr(module, step, die)
if step == "exchanged":
    module.shutil.rmtree = die
if step in ("first rename", "second rename"):
    module.exchange = cannot
if step == "first rename":
    Path.rename = between
if step == "second rename":
    module.sync = lambda path: path == out.parent and die()
with module.whole_folder(out, "pair.yaml") as fresh:
    (fresh / "pair.yaml").write_text("new")
    if step == "written":
        die()
"""
AT_ONCE = ("_workplace", "_made", "written", "_put_in_place", "exchange", "exchanged")
IN_TWO_STEPS = ("first rename", "second rename")


@pytest.fixture
def out(tmp_path):
    """A folder alone in its parent, with something old in it."""
    folder = tmp_path / "parent" / "pair"
    folder.mkdir(parents=True)
    (folder / "pair.yaml").write_text("old")
    (folder / "left.onnx").write_text("old")
    return folder


def content(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


WHOLE = ({"pair.yaml": "old", "left.onnx": "old"}, {"pair.yaml": "new"})


def killed(step, out):
    words = [sys.executable, "-c", KILLED, step, out]
    assert subprocess.run(words, cwd=ROOT, check=False).returncode == -signal.SIGKILL


def rebuilt(out):
    with whole_folder(out, "pair.yaml") as fresh:
        (fresh / "pair.yaml").write_text("newer")
    return content(out)


@pytest.mark.parametrize("step", AT_ONCE)
def test_a_kill_at_any_step_leaves_a_whole_folder_and_the_next_build_sweeps(out, step):
    killed(step, out)
    assert content(out) in WHOLE
    assert rebuilt(out) == {"pair.yaml": "newer"}
    assert names(out.parent) == ["pair"]


@pytest.mark.parametrize("step", AT_ONCE)
def test_a_kill_at_any_step_of_a_first_build_leaves_nothing_under_the_name(tmp_path, step):
    killed({"exchange": "written", "exchanged": "written"}.get(step, step), tmp_path / "pair")
    assert not (tmp_path / "pair").exists()
    assert rebuilt(tmp_path / "pair") == {"pair.yaml": "newer"}
    assert names(tmp_path) == ["pair"]


@pytest.mark.parametrize("step", IN_TWO_STEPS)
def test_without_exchange_the_next_build_finds_a_whole_folder_again(out, step):
    killed(step, out)

    def interrupted():
        with whole_folder(out, "pair.yaml"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert content(out) in WHOLE
    assert names(out.parent) == ["pair"]


def test_the_kernel_swaps_two_folders_in_one_step(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / name).mkdir(parents=True)
    exchange(tmp_path / "one", tmp_path / "two")
    assert (names(tmp_path / "one"), names(tmp_path / "two")) == (["two"], ["one"])


def test_what_the_kernel_refuses_is_an_error(tmp_path):
    (tmp_path / "one").mkdir()
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "one", tmp_path / "two")


def test_a_running_build_of_the_same_folder_is_not_swept(out):
    with whole_folder(out, "pair.yaml") as slow:
        assert rebuilt(out) == {"pair.yaml": "newer"}
        (slow / "pair.yaml").write_text("slow")
    assert content(out) == {"pair.yaml": "slow"}
    assert names(out.parent) == ["pair"]


def test_where_nothing_can_be_locked_nothing_is_swept(out, monkeypatch):
    (out.parent / ".part-pair-someones").mkdir()
    monkeypatch.setattr(module, "lock", lambda *_: False)
    assert rebuilt(out) == {"pair.yaml": "newer"}
    assert names(out.parent) == [".part-pair-someones", "pair"]


def test_files_are_on_the_disk_before_they_have_their_place(out, monkeypatch):
    steps = []
    monkeypatch.setattr(module, "sync", lambda path: steps.append(path.name))
    monkeypatch.setattr(module, "exchange", lambda *_: steps.append("exchange"))
    rebuilt(out)
    assert steps == ["pair.yaml", "new", "exchange", "parent"]


def test_the_current_folder_can_be_filled(tmp_path, monkeypatch):
    (tmp_path / "pair").mkdir()
    monkeypatch.chdir(tmp_path / "pair")
    with replaced_at_once(Path()) as fresh:
        (fresh / "pair.yaml").write_text("new")
    assert content(tmp_path / "pair") == {"pair.yaml": "new"}


def test_a_link_to_a_pair_stays_a_link(out):
    link = out.parent / "current"
    link.symlink_to("pair")
    assert rebuilt(link) == {"pair.yaml": "newer"}
    assert link.is_symlink()
    assert content(out) == {"pair.yaml": "newer"}


def test_the_permissions_of_the_folder_stay(out):
    out.chmod(0o750)
    rebuilt(out)
    assert out.stat().st_mode & 0o777 == 0o750


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """An empty folder that cannot be renamed, as a mount point of a container."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    monkeypatch.setattr(Path, "is_mount", lambda path: path == folder)
    return folder


def test_an_empty_mount_point_is_filled_and_the_manifest_comes_last(mounted, monkeypatch):
    rename, order = Path.rename, []

    def noted(path, to):
        order.append(to.name)
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", noted)
    with replaced_at_once(mounted) as fresh:
        for name in ("pair.yaml", "z.onnx", "a.onnx"):
            (fresh / name).write_text("new")
    assert order == ["a.onnx", "z.onnx", "pair.yaml"]
    assert names(mounted) == sorted(order)


def test_a_pair_in_a_mount_point_is_not_replaced_bit_by_bit(mounted):
    (mounted / "pair.yaml").write_text("old")
    with pytest.raises(PairError, match="cannot be replaced at once"):
        replaced_at_once(mounted).__enter__()
    assert content(mounted) == {"pair.yaml": "old"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_real_mount_point_is_filled(tmp_path):
    words = ["mount", "-t", "tmpfs", "tmpfs", tmp_path]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("this machine mounts nothing")
    try:
        with replaced_at_once(tmp_path) as fresh:
            (fresh / "pair.yaml").write_text("new")
        assert (content(tmp_path), names(tmp_path)) == ({"pair.yaml": "new"}, ["pair.yaml"])
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_an_error_of_the_disk_is_no_reason_for_two_steps(out, monkeypatch):
    def broken(*_):
        raise OSError(errno.EIO, "disk")

    monkeypatch.setattr(module, "exchange", broken)
    with pytest.raises(OSError, match="disk"):
        rebuilt(out)
    assert content(out) == WHOLE[0]
    assert names(out.parent) == ["pair"]


def test_nothing_can_be_made_below_a_link_to_nowhere(tmp_path):
    (tmp_path / "disk").symlink_to(tmp_path / "not plugged in")
    assert not is_writable(tmp_path / "disk" / "faces")
    assert is_writable(tmp_path / "faces")
