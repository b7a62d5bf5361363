"""`edge-gate models`, run as a user runs it."""

import json
from pathlib import Path

import pytest

from edge.__main__ import main


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("EDGE_GATE_CACHE", str(folder))
    monkeypatch.setenv("COLUMNS", "100")
    return folder


@pytest.fixture
def own_entry(tmp_path: Path) -> Path:
    (tmp_path / "net.onnx").write_bytes(b"network")
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nkind: detector\nlicence: own\nfiles: [{name: net, file: net.onnx}]\n"
    )
    return path


Output = pytest.CaptureFixture[str]


def test_list_shows_each_entry_with_its_licence_and_size(capsys: Output):
    assert main(["models", "list"]) == 0
    shown = capsys.readouterr().out
    for fact in ("mobilefacenet512", "41.1 MB", "Apache-2.0", "orl-faces", "photographs"):
        assert fact in shown


def test_list_names_the_cache(capsys: Output, cache: Path):
    main(["models", "list"])
    shown = capsys.readouterr().out.replace("\n", "")
    assert str(cache)[:60] in shown


def test_list_as_json_says_what_is_cached(capsys: Output, own_entry: Path):
    assert main(["models", "list", "--json", "mtcnn", str(own_entry)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["cached"], row["download"]) for row in rows] == [
        ("mtcnn", "no", "1.9 MB"),
        ("mine", "yes", "your file"),
    ]


def test_fetch_prints_the_paths_of_the_files(capsys: Output, own_entry: Path):
    assert main(["models", "fetch", str(own_entry)]) == 0
    assert capsys.readouterr().out == f"{own_entry.parent}/net.onnx\n"


def test_path_prints_the_paths_of_the_files(capsys: Output, own_entry: Path):
    assert main(["models", "path", str(own_entry)]) == 0
    assert capsys.readouterr().out == f"{own_entry.parent}/net.onnx\n"


def test_path_of_what_is_not_fetched_fails_and_names_the_command(capsys: Output):
    assert main(["models", "path", "mtcnn"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "edge-gate models fetch mtcnn" in output.err


def test_a_misspelt_name_is_a_usage_error_with_the_near_name(capsys: Output):
    assert main(["models", "fetch", "mtcn"]) == 64
    assert "did you mean 'mtcnn'" in capsys.readouterr().err


def test_a_wrong_entry_file_is_a_configuration_error(capsys: Output, own_entry: Path):
    own_entry.write_text(own_entry.read_text() + "licens: x\n")
    assert main(["models", "list", str(own_entry)]) == 78
    assert f"{own_entry}: licens: " in capsys.readouterr().err


def test_a_changed_user_file_is_shown_as_damaged(capsys: Output, own_entry: Path):
    text = own_entry.read_text().replace("net.onnx}", f"net.onnx, sha256: {'a' * 64}}}")
    own_entry.write_text(text)
    main(["models", "list", "--json", str(own_entry)])
    assert json.loads(capsys.readouterr().out)[0]["cached"] == "damaged"


def test_without_an_action_the_usage_is_shown(capsys: Output):
    with pytest.raises(SystemExit) as caught:
        main(["models"])
    assert caught.value.code == 64
    assert "list | fetch | path" in capsys.readouterr().err
