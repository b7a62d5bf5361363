import os
import runpy
from pathlib import Path

import pytest
import yaml

from engines.catalogue import strict_yaml
from engines.catalogue.strict_yaml import LARGEST_FILE, YamlError, read_yaml
from engines.pruning.named_recipes import RECIPES


def written(tmp_path, text):
    path = tmp_path / "some.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_document_is_returned_as_it_is(tmp_path):
    assert read_yaml(written(tmp_path, "a: {b: [1, two]}")) == {"a": {"b": [1, "two"]}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: !!int ''\n", r"tags \(!\) are not used.*line 1"),
        ("a: 1\nb: 2\na: 3\n", r"key 'a' is given twice.*line 3"),
        ("a:\n  b: 1\n  b: 2\n", r"key 'b' is given twice.*line 3"),
        ("[" * 5000, "nested deeper than 32 levels"),
        ("a: [", "not valid YAML"),
        (b"a: \xff", "cannot be read"),
        ("x" * (LARGEST_FILE + 1), "larger than"),
        ('a: "\\UFFFFFFFF"', "not valid YAML"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path, text, said):
    with pytest.raises(YamlError, match=said):
        read_yaml(written(tmp_path, text))


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(YamlError, match="no regular file"):
        read_yaml(tmp_path / "pipe.yaml")


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(YamlError, match="no such file"):
        read_yaml(tmp_path / "none.yaml")


def test_no_merge_of_two_versions_of_the_recipes_can_stay_unseen(tmp_path):
    broken = RECIPES.read_text(encoding="utf-8").replace(
        "every network:", "every network: compact ones\n\nevery network:", 1
    )
    with pytest.raises(YamlError, match="'every network' is given twice"):
        read_yaml(written(tmp_path, broken))


def test_where_yaml_has_no_libyaml_it_is_read_all_the_same(monkeypatch):
    monkeypatch.delattr(yaml, "CSafeLoader")
    parse = runpy.run_path(strict_yaml.__file__)["parse_yaml"]
    assert parse(b"a: [1, {b: 2}]", Path("x.yaml")) == {"a": [1, {"b": 2}]}
    with pytest.raises(Exception, match="'a' is given twice"):
        parse(b"a: 1\na: 2", Path("x.yaml"))
