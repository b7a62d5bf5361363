import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from rich.progress import Progress

from edge.config.effective import CameraSettings, InEffect, observing
from edge.config.file import checked
from edge.config.model import DetectorSettings, GateSettings
from edge.config.reader import parse_document
from edge.config.tracks import TrackSettings
from edge.delivery.clock import ClockReading
from edge.delivery.face_database import transaction
from edge.errors import ShadowLogError
from edge.footage.camera_run import steps
from edge.footage.faces import observe
from edge.footage.frames import frames_of
from edge.gate.decision_replay import replayed
from edge.gate.observation import Observation
from edge.samples import Box, Reason
from edge.service.purge import purge_shadow_log
from edge.service.wanted_faces import Wanted
from edge.shadow_log.conditions import conditions_of, differences
from edge.shadow_log.file import open_shadow_log
from edge.shadow_log.log import ShadowLog
from edge.shadow_log.pieces import Pieces
from edge.shadow_log.tables import Kind, LoggedFace, Moment, put_moment, put_piece
from edge.sources.video import VideoFile
from edge.tuning.log_footage import logged_footage
from edge.tuning.outcome import conclusion, footage_of
from edge.tuning.run import Asked, tune_logged_camera
from edge.tuning.steps import Goal
from edge.tuning.target import Target, targets
from engines.pair.pair import KnownPair
from tests.edge.generated_footage import ColourPair, Person, Recording, cameras, footage, gate_of

OBSERVED = Kind("door", "run", "observe", "pair")
COLOURS = KnownPair(ColourPair.pair_id, ColourPair.identity)
PAIR = KnownPair("pair", ColourPair.identity)
MASK = "0,0 0.5,0 0.5,1 0,1"
CAMERA = CameraSettings(GateSettings(), TrackSettings(), "best_shot")


def face(seen_s, track=1, score=50.0, reason=Reason.LOW_QUALITY):
    figures = 0.9, 30.0, None if score is None else 0.5, score
    return LoggedFace(1e9 + seen_s, seen_s, track, 0, Box(0, 0, 9, 9), *figures, reason, "")


def write(path, kind, *faces):
    """Log one frame for each face."""
    pieces = Pieces()
    with closing(open_shadow_log(path)) as database, transaction(database):
        for one in faces:
            piece = pieces.take(kind, one.seen_s, is_still=False)
            piece.piece_id = put_piece(database, piece, ClockReading(one.seen_s, one.wall_s))
            put_moment(database, piece.piece_id, Moment(one.seen_s, (), [(one, b"jpeg")]))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shadow.sqlite"


def test_faces_come_back_with_their_tracks_and_times(path):
    write(path, OBSERVED, face(100.0, 7, 20.0), face(101.0, 7, 60.0), face(102.0, 9, 70.0))
    observed = logged_footage(path, "door", PAIR, CAMERA).observed
    assert [(one.track, one.score, one.time_s) for one in observed.faces] == [
        (0, 20.0, 0.0),
        (0, 60.0, 1.0),
        (1, 70.0, 2.0),
    ]
    assert observed.frames == 3
    assert observed.video_s == pytest.approx(3.0)
    assert {one.picture for one in observed.faces} == {b"jpeg"}


def test_equal_track_numbers_of_two_runs_are_two_people(path):
    write(path, OBSERVED, face(0.0, track=1))
    write(path, Kind("door", "later", "observe", "pair"), face(0.0, track=1))
    assert [one.track for one in logged_footage(path, "door", PAIR, CAMERA).observed.faces] == [
        0,
        1,
    ]


def test_time_goes_on_over_pieces_and_not_over_outages(path):
    write(path, OBSERVED, *(face(float(second)) for second in (*range(90), *range(900, 930))))
    observed = logged_footage(path, "door", PAIR, CAMERA).observed
    times = [one.time_s for one in observed.faces]
    assert times == pytest.approx([*range(90), *range(89, 119)])
    assert observed.video_s == pytest.approx(120.0)


def test_masked_faces_are_nobodys_business(path):
    write(path, OBSERVED, face(0.0, 1, None, Reason.MASKED), face(1.0, 2))
    observed = logged_footage(path, "door", PAIR, CAMERA).observed
    assert [one.track for one in observed.faces] == [0]
    assert footage_of(observed).faces == 1


def test_faces_discarded_before_scoring_count_as_found(path):
    write(path, OBSERVED, face(0.0, 1, None, Reason.TOO_SMALL), face(1.0, 2))
    footage = footage_of(logged_footage(path, "door", PAIR, CAMERA).observed)
    assert footage.faces == 2
    np.testing.assert_array_equal(footage.discarded_track, [0])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind("door", "run", "observe", "other"), "1 frame scored by engine pair other"),
        (
            Kind("door", "run", "best_shot", "pair"),
            "1 frame in mode best_shot, which does not score every face (use observe)",
        ),
    ],
)
def test_what_would_mislead_is_left_out_and_told(path, kind, words):
    write(path, kind, face(0.0))
    write(path, OBSERVED, face(5.0, score=99.0))
    logged = logged_footage(path, "door", PAIR, CAMERA)
    assert [one.score for one in logged.observed.faces] == [99.0]
    assert logged.left_out == [words]


def test_photographs_that_are_left_out_are_not_told_as_no_frames(path):
    logging = LoggingRun(path.parent)
    logging.take([Recording("one.png", [[Person(50), None]], is_still=True)], CAMERA)
    (words,) = logged_footage(logging.path, "door", PAIR, CAMERA).left_out
    assert words == "photographs scored by engine pair colours"


def test_frames_left_out_are_among_the_first_things_that_tune_says(path):
    write(path, Kind("door", "run", "best_shot", "pair"), face(0.0))
    asked = Asked(Goal("forward_rate", 0.3), labels=None, fmr=0.001, every=1)
    tuning = tune_logged_camera(Target("door", ("gate",), CAMERA, (path,)), asked, PAIR)
    said = conclusion(tuning)
    assert said[0] == "No suggestion: no frame of the shadow log can be used."
    assert said[1].startswith("Left out: 1 frame in mode best_shot")


def test_other_cameras_stay_apart(path):
    write(path, OBSERVED, face(0.0))
    assert logged_footage(path, "yard", PAIR, CAMERA).observed.faces == []


def configuration(path, camera):
    """Return what a camera that observes is configured by."""
    masks = [MASK] if camera.masks else []
    source = {"name": "door", "uri": "walk.mp4", "mode": "observe", "masks": masks}
    text = yaml.safe_dump(
        {
            "pair": "pair",
            "gate": camera.gate.model_dump(exclude_none=True, exclude_unset=True),
            "tracks": camera.tracks.model_dump(exclude_none=True, exclude_unset=True),
            "sources": [source],
            "sinks": [{"type": "stdout"}],
            "shadow_log": {"path": str(path)},
        }
    )
    return checked(parse_document(text, path.with_name("gate.yaml"))).config


def conditions(camera):
    return conditions_of(InEffect(camera), DetectorSettings())


class LoggingRun:
    """Takes files through a gate that observes, with a shadow log that looks on."""

    def __init__(self, folder):
        self.path = folder / "shadow.sqlite"

    def take(self, files, camera):
        log = ShadowLog()
        log.use(configuration(self.path, camera), "colours")
        frames = frames_of(cast("list[VideoFile]", files), Progress(disable=True), unwanted)
        for step in steps(frames, gate_of(observing(camera))):
            log.observe(Observation("door", step.captured, step.outcome, "run", step.seen_s))
        log.stop()


def unwanted(error):
    raise AssertionError(str(error))


def promised(observed, camera):
    limit = camera.gate.threshold
    return [
        (run.track_of(shot), shot.revision, shot.assessment.quality)
        for run in observed.runs
        for outcome in replayed(run.frames, camera, limit, COLOURS.identity)
        for shot in outcome.forwarded
    ]


@settings(max_examples=15, deadline=None)
@given(footage(), cameras.filter(lambda camera: camera.mode != "observe"))
def test_a_log_promises_what_the_recording_itself_promises(tmp_path_factory, files, camera):
    logging = LoggingRun(tmp_path_factory.mktemp("log"))
    logging.take(files, camera)
    logged = logged_footage(logging.path, "door", COLOURS, camera).observed
    frames = frames_of(cast("list[VideoFile]", files), Progress(disable=True), unwanted)
    recorded = observe(steps(frames, gate_of(observing(camera))))
    assert promised(logged, camera) == promised(recorded, camera)
    seen = [(face.track, face.score, face.reason) for face in recorded.faces]
    assert [(face.track, face.score, face.reason) for face in logged.faces] == seen
    assert logged.frames == recorded.frames - recorded.stills


@settings(max_examples=15, deadline=None)
@given(footage(), cameras, cameras.filter(lambda camera: camera.mode != "observe"))
def test_a_log_of_other_settings_promises_the_same_where_faces_were_found_alike(
    tmp_path_factory, files, other, now
):
    found_alike = {"gap": now.tracks.gap, "search": searched_by(now)}
    then = replace(now, gate=other.gate, tracks=other.tracks.model_copy(update=found_alike))
    logging = LoggingRun(tmp_path_factory.mktemp("log"))
    logging.take(files, then)
    logged = logged_footage(logging.path, "door", COLOURS, now, conditions(now))
    assert logged.differing == []
    frames = frames_of(cast("list[VideoFile]", files), Progress(disable=True), unwanted)
    observing_now = replace(then, tracks=now.tracks.model_copy(update=found_alike))
    recorded = observe(steps(frames, gate_of(observing(observing_now))))
    assert promised(logged.observed, now) == promised(recorded, now)


def searched_by(camera):
    return "every" if camera.mode == "every" else camera.tracks.search


NIGHT = {"days": ["mon"], "start": "22:00", "end": "06:00"}
CHANGES = [
    ({"gate": {"border_margin": 0.8}}, "gate.border_margin 0.25 (now 0.8)"),
    ({"tracks": {"search": "every"}}, "tracks.search sparing (now every)"),
    ({"mode": "every"}, "tracks.search sparing (now every)"),
    ({"detector": {"name": "yunet"}}, "detector.name mtcnn (now yunet)"),
    ({"detector": {"model": "mine.onnx"}}, "detector.model not set (now /here/mine.onnx)"),
    ({"sources": {"rotate": 90}}, "rotate 0 (now 90)"),
    ({"sources": {"aspect": "16:9"}}, "aspect not set (now 16:9)"),
    ({"sources": {"masks": [MASK]}}, "other masks"),
    ({"sources": {"schedule": [NIGHT]}}, "other schedule"),
    ({"sources": {"max_fps": 2}}, "max_fps 10 (now 2)"),
    ({"sources": {"gate": {"max_dark": 0.5}}}, "gate.max_dark 1 (now 0.5)"),
    ({"gate": {"threshold": 77, "components": True}, "tracks": {"keep": 3}}, ""),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_settings_that_no_log_brings_back_are_told(change, words):
    assert differences(target({}).conditions, target(change).conditions) == words


def target(change):
    source = {"name": "door", "uri": "walk.mp4", **change.get("sources", {})}
    shared = {key: value for key, value in change.items() if key != "sources"}
    text = yaml.safe_dump(
        {"pair": "pair", **shared, "sources": [source], "sinks": [{"type": "stdout"}]}
    )
    config = checked(parse_document(text, Path("/here/gate.yaml"))).config
    (found,) = targets(config, [Path("walk.mp4")], None)
    return found


def test_a_promise_from_faces_that_other_settings_found_says_so(path):
    then, now = target({}).conditions, target({"gate": {"border_margin": 0.8}}).conditions
    known = replace(face(0.0), embedding=np.array([1.0, 0.0], np.float32))
    write(path, replace(OBSERVED, conditions=then), known, replace(known, seen_s=1.0))
    asked = Asked(None, labels=None, fmr=0.001, every=1)
    tuned = Target("door", ("gate",), CAMERA, (path,), conditions=now)
    said = conclusion(tune_logged_camera(tuned, asked, PAIR))
    assert "Logged by other settings: 2 frames with gate.border_margin 0.25 (now 0.8)." in said
    assert any(words.endswith("if it finds the faces that were logged.") for words in said)


def test_a_log_that_does_not_say_how_it_was_made_is_believed(path):
    write(path, OBSERVED, face(0.0))
    assert logged_footage(path, "door", PAIR, CAMERA, target({}).conditions).differing == []


def test_a_log_of_an_earlier_release_is_left_out_and_told(path):
    write(path, OBSERVED, face(0.0))
    with closing(open_shadow_log(path)) as database, transaction(database):
        database.execute("UPDATE pieces SET has_moments = 0")
    logged = logged_footage(path, "door", PAIR, CAMERA)
    assert logged.observed.faces == []
    assert "logged by an earlier release" in logged.left_out[0]


STRANGE = [
    "DELETE FROM clock",
    "UPDATE clock SET outbox_s = 'noon', wall_s = x'ff'",
    "DELETE FROM stored",
    "UPDATE stored SET bytes = 'x'",
    "UPDATE pieces SET seen_s = 'x', watched_s = x'ff', frames = 'many'",
    "UPDATE pieces SET began_s = 'x', began_wall_s = x'ff'",
    "UPDATE pieces SET camera = x'ff', mode = x'ff', run = 5, pair_id = 9e999",
    "UPDATE faces SET seen_s = 'x'",
    "UPDATE faces SET track = 'x', moment = x'ff'",
    "UPDATE faces SET box_left = 'x', score = x'ff', inter_eye_distance = 'x'",
    "UPDATE faces SET reason = 'nobody knows', detail = x'ff'",
    "UPDATE faces SET picture = 'text', embedding = 'text'",
    "UPDATE faces SET embedding = x'ffffff', bytes = 'x'",
    "UPDATE moments SET ended = '{', seen_s = x'ff'",
    "UPDATE moments SET ended = x'ff'",
    "UPDATE moments SET ended = '[[1e999]]'",
    "UPDATE pieces SET conditions = '{'",
    "UPDATE pieces SET conditions = x'ff'",
    "UPDATE pieces SET conditions = 5",
    "UPDATE pieces SET conditions = '[1, 2]'",
]


@pytest.mark.parametrize("statement", STRANGE)
def test_a_shadow_log_of_values_that_no_gate_wrote_is_read_or_refused(path, statement):
    write(path, OBSERVED, face(100.0, 7, 20.0), face(101.0, 7, 60.0))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
    with suppress(ShadowLogError):
        logged_footage(path, "door", PAIR, CAMERA, conditions(CAMERA))
    with suppress(ShadowLogError):
        purge_shadow_log(path, Wanted(older_than_s=0.0), dry_run=False)
    with suppress(ShadowLogError):
        write(path, OBSERVED, face(200.0, 8, 20.0))
