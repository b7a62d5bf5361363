from pathlib import Path

import pytest
from pydantic import ValidationError

from edge.config.delivery import DirectorySinkSettings
from edge.config.model import GateSettings
from tests.edge.configurations import FOLDER, SMALLEST, loaded


def test_a_pair_and_a_source_are_enough():
    config = loaded(SMALLEST).config
    assert config.gate == GateSettings()
    assert config.detector.name == "mtcnn"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("photographs", "/etc/edge-gate/photographs"),
        ("file://photographs/a b", "/etc/edge-gate/photographs/a b"),
        ("file://../clip.mp4", "/etc/clip.mp4"),
        ("file:///srv/clip.mp4", "/srv/clip.mp4"),
        ("/srv/100%.png", "/srv/100%.png"),
        ("顔", "/etc/edge-gate/顔"),
    ],
)
def test_a_source_starts_from_the_folder_of_the_file(written, path):
    (source,) = loaded(SMALLEST.replace("photographs", f'"{written}"')).config.sources
    assert (str(source.uri), source.uri.path) == (path, Path(path))


def test_every_path_starts_from_the_folder_of_the_file():
    config = loaded(
        SMALLEST
        + """\
detector: {model: mine.onnx}
delivery:
  outbox: {path: state/outbox.sqlite}
"""
    ).config
    assert config.pair == FOLDER / "pairs/default"
    assert config.detector.model == FOLDER / "mine.onnx"
    assert config.delivery.outbox is not None
    assert config.delivery.outbox.path == FOLDER / "state/outbox.sqlite"
    assert config.sinks == (DirectorySinkSettings(path=FOLDER / "faces"),)


def test_a_configuration_cannot_be_changed():
    config = loaded(SMALLEST).config
    with pytest.raises(ValidationError, match="frozen"):
        config.threads = 3
