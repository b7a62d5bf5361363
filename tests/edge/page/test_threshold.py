import pytest

from edge.config.file import read_config
from edge.errors import ConfigError
from edge.page.threshold import ConfigurationFile, yaml_of
from tests.edge.configurations import SMALLEST, loaded

TWO = SMALLEST.replace(
    "sinks:", "  - {name: yard, uri: photographs, gate: {threshold: 60}}\nsinks:"
)


def edit(folder, text, name, threshold):
    path = folder / "gate.yaml"
    path.write_text(text)
    file = ConfigurationFile(path, lambda path: read_config(path).config)
    return file.edit(read_config(path).config, name, threshold)


def test_the_only_camera_shares_the_threshold_of_all():
    assert yaml_of(loaded(SMALLEST).config, "door", 42.0) == "gate:\n  threshold: 42\n"


@pytest.mark.parametrize("name", ["door", "yard"])
def test_one_of_several_cameras_gets_its_own(name):
    lines = yaml_of(loaded(TWO).config, name, 42.5)
    assert lines == f"sources:\n- name: {name}\n  gate:\n    threshold: 42.5\n"


def test_the_file_is_changed_where_the_lines_say(tmp_path):
    made = edit(tmp_path, TWO, "yard", 70)
    assert made.words == "yard is retuned"
    made.write()
    assert made.path.read_text() == TWO.replace("threshold: 60", "threshold: 70")


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(tmp_path):
    made = edit(tmp_path, TWO, "yard", 70)
    made.path.write_text(TWO + "# mine\n")
    with pytest.raises(ConfigError, match="changed by someone else"):
        made.write()
    assert made.path.read_text().endswith("# mine\n")


def test_a_camera_that_the_file_has_lost_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no source 'attic'"):
        edit(tmp_path, TWO, "attic", 70)
