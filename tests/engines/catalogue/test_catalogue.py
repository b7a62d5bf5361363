from pathlib import Path

import pytest

from engines.catalogue.catalogue import entries, fetch, find_entry, located
from engines.errors import CatalogueError, FetchError, HashMismatchError, UnknownEntryError
from tests.engines.packages import Server, npm_package, publish_for_pip, sha256, wheel


def test_names_are_unique():
    names = [entry.name for entry in entries()]
    assert len(set(names)) == len(names)


def test_the_catalogue_has_what_the_demo_needs():
    kinds = {entry.name: entry.kind for entry in entries()}
    assert kinds["mobilefacenet512"] == "network"
    assert kinds["mtcnn"] == "detector"
    assert kinds["demo-photographs"] == "photographs"


def test_everything_in_the_catalogue_is_pinned():
    assert [file.name for entry in entries() for file in entry.files if not file.sha256] == []


def test_an_unknown_name_suggests_the_near_one():
    with pytest.raises(UnknownEntryError, match="did you mean 'mobilefacenet512'"):
        find_entry("mobilefacenet")


def test_a_name_near_nothing_lists_what_is_known():
    with pytest.raises(UnknownEntryError, match="Known are mobilefacenet512, "):
        find_entry("zzz")


def user_entry(folder: Path, source: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(f"name: mine\nkind: detector\nlicence: own\nfiles:\n  - name: a\n{source}")
    return str(path)


def test_a_users_file_is_used_where_it_lies(tmp_path: Path):
    (tmp_path / "net.onnx").write_bytes(b"network")
    entry = find_entry(user_entry(tmp_path, "    file: net.onnx\n"))
    assert fetch(entry) == located(entry) == (tmp_path / "net.onnx",)


def test_a_users_file_is_checked_where_its_hash_is_given(tmp_path: Path):
    (tmp_path / "net.onnx").write_bytes(b"network")
    wrong = "0" * 64
    entry = find_entry(user_entry(tmp_path, f"    file: net.onnx\n    sha256: '{wrong}'\n"))
    with pytest.raises(HashMismatchError, match=f"{wrong}, got {sha256(b'network')}"):
        fetch(entry)


def test_a_users_missing_file_is_named(tmp_path: Path):
    entry = find_entry(user_entry(tmp_path, "    file: none.onnx\n"))
    with pytest.raises(FetchError, match=f"{tmp_path}/none.onnx: no such file"):
        fetch(entry)


def test_an_entry_may_mix_its_sources_and_keeps_their_order(
    npm_registry: Server, pip_folder: Path, tmp_path: Path
):
    archive = npm_package({"x": b"from npm"})
    npm_registry.publish(archive)
    npm_registry.content["/u"] = b"from a URL"
    wheels = wheel({"w": b"from a wheel"})
    publish_for_pip(pip_folder, "tiny-1.0.0-py3-none-any.whl", wheels)
    (tmp_path / "own").write_bytes(b"own")
    pin = "package: tiny, version: 1.0.0, sha256"
    entry = find_entry(
        user_entry(
            tmp_path,
            f"""\
    url: {npm_registry.url}/u
    sha256: {sha256(b"from a URL")}
  - name: w
    archive: {{client: pip-wheel, {pin}: {sha256(wheels)}}}
    member: w
    sha256: {sha256(b"from a wheel")}
  - {{name: own, file: own}}
  - name: x
    archive: {{client: npm, {pin}: {sha256(archive)}}}
    member: package/x
    sha256: {sha256(b"from npm")}
""",
        )
    )
    paths = fetch(entry)
    assert [path.read_bytes() for path in paths] == [
        b"from a URL",
        b"from a wheel",
        b"own",
        b"from npm",
    ]
    assert located(entry) == paths


def test_what_is_not_fetched_yet_names_the_command(cache: Path):
    assert not cache.exists()
    with pytest.raises(CatalogueError, match=r"run '.*edge-gate models fetch mtcnn'"):
        located(find_entry("mtcnn"))


@pytest.mark.registry
def test_the_default_network_is_what_its_entry_says():
    entry = find_entry("mobilefacenet512")
    (path,) = fetch(entry)
    assert sha256(path.read_bytes()) == entry.files[0].sha256


@pytest.mark.registry
@pytest.mark.parametrize(
    ("name", "count"), [("mtcnn", 3), ("demo-photographs", 12), ("orl-faces", 400)]
)
def test_a_fresh_cache_is_filled_through_the_real_registries(cache: Path, name: str, count: int):
    assert not cache.exists()
    entry = find_entry(name)
    paths = fetch(entry)
    assert len(paths) == count
    assert located(entry) == paths


@pytest.mark.registry
def test_the_orl_faces_come_person_by_person():
    paths = fetch(find_entry("orl-faces"))
    assert [path.parent.name for path in paths[::10]] == [f"s{n}" for n in range(1, 41)]
