import ast
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engines import whole_file as module
from engines.whole_file import (
    part_of,
    put_in_place,
    sweep_parts,
    whole_file,
    whole_path,
    write_whole,
)

ROOT = Path(__file__).resolve().parents[2]
KILLED = """\
import os, signal, sys
from pathlib import Path
from engines import whole_file as module

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

step, path = sys.argv[1], Path(sys.argv[2])
if step == "writing":
    with module.whole_file(path) as file:
        file.write(b"ne")
        file.flush()
        die()
setattr(module, step, die)
module.write_whole(path, b"new")
"""
STEPS = ("_set_access", "writing", "put_in_place", "sync")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def test_a_file_appears_whole_and_alone(tmp_path):
    with whole_file(tmp_path / "file") as file:
        file.write(b"new")
        assert names(tmp_path) == [".part-file"]
    assert (tmp_path / "file").read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_error_leaves_what_was_there(old, error):
    def interrupted():
        with whole_file(old) as file:
            file.write(b"ne")
            raise error

    with pytest.raises(error):
        interrupted()
    assert (old.read_bytes(), names(old.parent)) == (b"old", ["file"])


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_leaves_what_was_there_and_the_next_write_sweeps(old, step):
    done = subprocess.run([sys.executable, "-c", KILLED, step, old], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (old.read_bytes(), names(old.parent)) == (b"old", [".part-file", "file"])
    write_whole(old, b"new")
    assert (old.read_bytes(), names(old.parent)) == (b"new", ["file"])


def test_content_is_on_the_disk_before_it_has_its_name_and_the_name_after(old, monkeypatch):
    steps = []
    monkeypatch.setattr(module, "sync", lambda path: steps.append(path.name))
    rename = Path.replace

    def noted(path, to):
        steps.append("rename")
        return rename(path, to)

    monkeypatch.setattr(Path, "replace", noted)
    write_whole(old, b"new")
    assert steps == [".part-file", "rename", old.parent.name]


def test_a_cache_need_not_wait_for_the_disk(old, monkeypatch):
    monkeypatch.setattr(module, "sync", pytest.fail)
    write_whole(old, b"new", durable=False)
    assert old.read_bytes() == b"new"


def test_the_permissions_of_what_is_replaced_stay(old):
    old.chmod(0o640)
    write_whole(old, b"new")
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


def test_permissions_can_be_set_and_hold_while_it_is_written(old):
    with whole_file(old, mode=0o600):
        assert stat.S_IMODE(part_of(old).stat().st_mode) == 0o600
    assert stat.S_IMODE(old.stat().st_mode) == 0o600


def test_a_new_file_has_the_permissions_that_the_user_gives_new_files(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_of_what_is_replaced_stays(old):
    os.chown(old, 12345, 54321)
    write_whole(old, b"new")
    assert (old.stat().st_uid, old.stat().st_gid) == (12345, 54321)


def test_two_writers_of_one_file_never_meet(old):
    with whole_file(old) as first:
        first.write(b"first")
        with pytest.raises(BlockingIOError, match="another process is writing it"):
            write_whole(old, b"second")
    assert old.read_bytes() == b"first"


def test_sweeping_leaves_what_is_being_written(tmp_path):
    part_of(tmp_path / "left").write_bytes(b"half")
    with whole_file(tmp_path / "file") as file:
        sweep_parts(tmp_path)
        assert names(tmp_path) == [".part-file"]
        file.write(b"new")
    assert names(tmp_path) == ["file"]


def test_a_device_is_written_and_not_replaced():
    write_whole(Path(os.devnull), b"new")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_file_received_under_its_unfinished_name_is_put_in_place(tmp_path):
    part_of(tmp_path / "file").write_bytes(b"received")
    assert put_in_place(part_of(tmp_path / "file"), tmp_path / "file").read_bytes() == b"received"
    assert names(tmp_path) == ["file"]


def test_a_library_that_opens_files_by_name_writes_whole_files_too(old):
    with whole_path(old) as part:
        assert part.suffix == old.suffix
        part.write_bytes(b"new")
        assert old.read_bytes() == b"old"
    assert (old.read_bytes(), names(old.parent)) == (b"new", ["file"])


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_whole(tmp_path / "nowhere" / "file", b"new")


WRITES_ITSELF = {
    "engines/whole_file.py",
    "engines/whole_folder.py",
    "engines/catalogue/package_clients.py",  # into a folder of its own, for pip
    "engines/build/build.py",  # into a folder that is put in place whole
    "engines/build/second_opinion.py",  # likewise
    "edge/sources/confined/process.py",  # into memory, for another process
}
WAYS = {
    *("write_text", "write_bytes", "mkstemp", "NamedTemporaryFile"),
    *("imwrite", "copyfile", "fsync", "rename"),
}


def _writes(path):
    """Tell whether a module writes files by itself, into no folder that is temporary."""
    text = path.read_text()
    called = {
        node.func.attr
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    return bool(called & WAYS) and "TemporaryDirectory(" not in text


def test_nobody_else_writes_files_in_a_way_of_its_own():
    modules = [*ROOT.glob("edge/**/*.py"), *ROOT.glob("engines/**/*.py")]
    found = {str(path.relative_to(ROOT)) for path in modules if _writes(path)}
    assert found <= WRITES_ITSELF


def test_a_file_system_without_permissions_is_written_all_the_same(tmp_path, monkeypatch):
    def refuses(_descriptor, _mode):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refuses)
    write_whole(tmp_path / "face.png", b"face", mode=0o640)
    assert (tmp_path / "face.png").read_bytes() == b"face"


@pytest.fixture
def no_room():
    """No file may grow beyond 10 bytes; Python ignores the signal about it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("no_room")
@pytest.mark.parametrize("size", [11, 100_000])
def test_a_write_that_finds_no_room_names_the_file(tmp_path, size):
    path = tmp_path / "report.json"
    with pytest.raises(OSError, match=r"File too large: '.*/report\.json'"):
        write_whole(path, b"x" * size)
    assert list(tmp_path.iterdir()) == []


def test_a_full_device_is_named_too():
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write_whole(Path("/dev/full"), b"x")


def test_a_folder_of_its_name_is_told_before_anything_is_written(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError, match="taken"), whole_file(tmp_path / "taken"):
        raise AssertionError("the work was done for nothing")
