from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.config.delivery import DirectorySinkSettings
from edge.config.model import (
    Config,
    GateSettings,
    Source,
    effective_gate,
    effective_mode,
    effective_tracks,
)
from edge.config.tracks import TrackSettings
from edge.config.uri import parse_uri
from tests.edge.configurations import FOLDER, SMALLEST, loaded


def gates(defaults: dict[str, float], own: dict[str, float]) -> GateSettings:
    source = Source(
        name="door", uri=parse_uri("file:///door"), gate=GateSettings.model_validate(own)
    )
    config = Config(
        pair=Path("/pair"),
        gate=GateSettings.model_validate(defaults),
        sources=(source,),
        sinks=(DirectorySinkSettings(path=Path("/faces")),),
    )
    return effective_gate(config, source)


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
    assert (str(source.uri), source.uri.path) == (f"file://{path}", Path(path))


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


@pytest.mark.parametrize(
    ("defaults", "own", "effective"),
    [
        ({}, {}, {}),
        ({"threshold": 60}, {}, {"threshold": 60}),
        ({"threshold": 60}, {"threshold": 70}, {"threshold": 70}),
        ({"threshold": 60}, {"max_roll": 9}, {"threshold": 60, "max_roll": 9}),
        ({"max_roll": 8}, {"max_roll": 45}, {"max_roll": 45}),
        ({"threshold": 60}, {"shift_at_most": 0.3}, {"shift_at_most": 0.3}),
        ({"shift_at_most": 0.3}, {"threshold": 50}, {"threshold": 50}),
        ({"shift_at_most": 0.3}, {"max_roll": 9}, {"shift_at_most": 0.3, "max_roll": 9}),
    ],
)
def test_a_source_overrides_only_the_keys_it_gives(defaults, own, effective):
    assert gates(defaults, own) == GateSettings.model_validate(effective)


def keys_of_a_gate() -> st.SearchStrategy[dict[str, float]]:
    numbers = st.floats(0.5, 1)
    names = sorted(GateSettings.model_fields)
    return st.dictionaries(st.sampled_from(names), numbers).filter(
        lambda keys: not {"threshold", "shift_at_most"} <= set(keys)
    )


@given(keys_of_a_gate(), keys_of_a_gate())
def test_the_effective_gate_is_own_then_inherited_then_default(defaults, own):
    effective = gates(defaults, own)
    either = {"threshold", "shift_at_most"}
    for key, field in GateSettings.model_fields.items():
        inherited = {} if key in either and either & set(own) else defaults
        assert getattr(effective, key) == own.get(key, inherited.get(key, field.default))


def test_a_source_inherits_mode_and_tracks_key_by_key():
    config = loaded(
        """\
pair: pairs/default
mode: observe
tracks: {keep: 3, gap: 2s}
sources:
  - {name: door, uri: door, mode: every, tracks: {keep: 5}}
  - {name: yard, uri: yard}
sinks: [{type: stdout}]
"""
    ).config
    door, yard = config.sources
    assert (effective_mode(config, door), effective_mode(config, yard)) == ("every", "observe")
    assert effective_tracks(config, door) == TrackSettings(keep=5, gap=2.0)
    assert effective_tracks(config, yard) == TrackSettings(keep=3, gap=2.0)
