from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.delivery import DirectorySinkSettings
from edge.config.effective import after_observing, at_threshold, in_effect, in_effect_for
from edge.config.file import read_config
from edge.config.model import Config, GateSettings, Source
from edge.config.origins import effective_settings
from edge.config.source import Geometry
from edge.config.tracks import TrackSettings
from edge.config.uri import parse_uri
from edge.errors import UsageError
from edge.tuning.target import targets
from tests.edge.configurations import loaded

CONFIG = "pair: pair\nsources: [{name: door, uri: %s}]\nsinks: [{type: stdout}]\n"


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
    return in_effect(config, source).faces.gate


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
        ({"components": True}, {}, {"components": True}),
        ({"components": True}, {"components": False}, {"components": False}),
    ],
)
def test_a_source_overrides_only_the_keys_it_gives(defaults, own, effective):
    assert gates(defaults, own) == GateSettings.model_validate(effective)


def keys_of_a_gate() -> st.SearchStrategy[dict[str, float]]:
    numbers = st.floats(0.5, 1)
    names = sorted(GateSettings.model_fields.keys() - {"components"})
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
    assert (in_effect(config, door).faces.mode, in_effect(config, yard).faces.mode) == (
        "every",
        "observe",
    )
    assert in_effect(config, door).faces.tracks == TrackSettings(keep=5, gap=2.0)
    assert in_effect(config, yard).faces.tracks == TrackSettings(keep=3, gap=2.0)


@pytest.mark.parametrize(
    ("uri", "mode"),
    [
        ("stills", "every"),
        ("stills/a.jpg", "every"),
        ("walks", "best_shot"),
        ("walks/monday/b.mp4", "best_shot"),
        ("rtsp://camera/door", "best_shot"),
        ("not-there", "best_shot"),
    ],
)
def test_nobody_is_followed_from_one_photograph_to_the_next(tmp_path, uri, mode):
    for name in ("stills/a.jpg", "walks/a.jpg", "walks/monday/b.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "gate.yaml").write_text(CONFIG % uri)
    config = read_config(tmp_path / "gate.yaml").config
    assert in_effect(config, config.sources[0]).faces.mode == mode


@pytest.fixture
def photographs(tmp_path):
    (tmp_path / "a.jpg").touch()
    return tmp_path


TWO = """\
pair: pair
gate: {threshold: 20}
mode: observe
sources:
  - {name: door, uri: "rtsp://camera/door", mode: observe, gate: {shift_at_most: 0.3}}
  - {name: yard, uri: "rtsp://camera/yard", mode: every}
sinks: [{type: stdout}]
"""


def test_footage_in_the_place_of_a_camera_is_taken_as_what_it_is(photographs):
    config = loaded(TWO.replace("observe", "best_shot")).config
    assert in_effect_for(config, "door", ()).faces.mode == "best_shot"
    assert in_effect_for(config, "door", [photographs]).faces.mode == "every"
    assert in_effect_for(config, None, [photographs]).faces.mode == "every"
    assert in_effect_for(config, None, ()).faces.gate.threshold == 20
    with pytest.raises(UsageError, match="no source 'cellar' in the configuration; it has door"):
        in_effect_for(config, "cellar", ())


def test_after_observing_comes_the_mode_of_all_or_the_best_shot():
    config = loaded(TWO).config
    door, yard = config.sources
    of_all = after_observing(config, None, ()).faces.mode
    assert [after_observing(config, each, ()).faces.mode for each in (door, yard)] == [
        "best_shot",
        "every",
    ]
    assert of_all == "best_shot"
    every = config.model_copy(update={"mode": "every"})
    assert after_observing(every, door, ()).faces.mode == "every"


def test_another_threshold_decides_even_where_a_shift_did():
    config = loaded(TWO).config
    faces = in_effect(config, config.sources[0]).faces
    assert (faces.threshold, at_threshold(faces, 40).threshold) == (None, 40)
    assert at_threshold(faces, 40).tracks == faces.tracks


def test_a_video_that_nobody_reads_makes_no_video_of_photographs(photographs):
    (photographs / ".Trash-1000").mkdir()
    for name in ("._clip.mp4", ".Trash-1000/clip.mp4"):
        (photographs / name).touch()
    config = loaded(CONFIG % photographs).config
    assert in_effect_for(config, None, []).faces.mode == "every"
    (photographs / "clip.mp4").touch()
    assert in_effect_for(config, None, []).faces.mode == "best_shot"


def test_explain_tells_the_mode_that_run_uses(photographs):
    (photographs / "gate.yaml").write_text(CONFIG % "a.jpg")
    settings = effective_settings(read_config(photographs / "gate.yaml"))
    (mode,) = (each for each in settings if each.name == "sources.door.mode")
    assert (mode.value, mode.origin) == ("every", "photographs")


@pytest.mark.parametrize("footage", [(), (Path("monday.mp4"),)], ids=["own", "recorded"])
def test_footage_of_a_camera_is_turned_as_the_camera_is(tmp_path, footage):
    path = tmp_path / "gate.yaml"
    path.write_text(CONFIG % "clip.mp4, aspect: 16:9, rotate: 270, mirror: true")
    config = read_config(path).config
    geometry = in_effect_for(config, "door", footage).geometry
    assert geometry == Geometry(Fraction(16, 9), 270, mirror=True)
    (target,) = targets(config, footage, "door")
    assert target.geometry == geometry
