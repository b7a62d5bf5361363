import os
import sqlite3
import stat
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest

from edge.config.file import checked
from edge.config.model import ShadowLogSettings
from edge.config.reader import parse_document
from edge.delivery.face_database import open_face_database
from edge.errors import ShadowLogError
from edge.gate.observation import Observation
from edge.gate.outcome import Outcome, SeenFace
from edge.samples import Box, Captured, Frame, QualityScore, Reason, Verdict
from edge.shadow_log.file import (
    APPLICATION_ID,
    FORMAT,
    is_shadow_log,
    open_shadow_log,
    takes_shadow_log,
)
from edge.shadow_log.log import ShadowLog, logged_face
from edge.shadow_log.pieces import LONGEST_GAP_S, LONGEST_PIECE_S, Pieces, watched_s
from edge.shadow_log.tables import Kind, Piece, read_faces, read_pieces
from edge.shadow_log.writer import MOST_WAITING, TIDY_EVERY_S, Noted, ShadowLogWriter
from tests.edge.assessments import Given, assessment
from tests.edge.clocks import DAY, Hands
from tests.edge.watching import until

KIND = Kind("door", "run", "observe", "pair")
WALL = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "shadow.sqlite"


def configuration(tmp_path, more=""):
    text = (
        "pair: pair\nsources: [{name: door, uri: walk.mp4, mode: observe}]\n"
        f"sinks: [{{type: stdout}}]\n{more}"
    )
    return checked(parse_document(text, tmp_path / "gate.yaml")).config


LOGGED = "shadow_log: {path: state/shadow.sqlite}\n"


@pytest.fixture
def shadow_log(tmp_path):
    log = ShadowLog()
    log.use(configuration(tmp_path, LOGGED), "pair")
    yield log
    log.stop()


def face(score=40.0, reason=Reason.LOW_QUALITY, track=1):
    quality = QualityScore(shift=0.5, quality=0.75, score=score)
    found = replace(assessment(), quality=quality, verdict=Verdict(False, reason), pair_id="pair")
    return SeenFace(found.face.box, track, found, track)


def frame(*faces, seen_s=0.0, time_s=0.0, camera="door"):
    pixels = np.zeros((48, 64, 3), np.uint8)
    captured = Captured(Frame(pixels, "walk.mp4", 0, time_s), 0.0, WALL, clock_synced=True)
    return Observation(camera, captured, Outcome(seen=faces), "run", seen_s)


def logged(path, camera="door"):
    database = open_shadow_log(path)
    found = [
        row
        for piece in read_pieces(database, camera)
        for row in read_faces(database, piece.piece_id or 0)
    ]
    database.close()
    return found


def test_each_face_is_logged_with_what_was_decided_and_a_picture(shadow_log, path):
    shadow_log.observe(frame(face(40.0), face(90.0, Reason.FORWARDED, track=2), seen_s=7.0))
    shadow_log.stop()
    (first, picture), (second, _) = logged(path)
    expected = assessment()
    assert (first.score, first.reason, first.track, first.place) == (40, Reason.LOW_QUALITY, 1, 0)
    assert (second.score, second.reason, second.track, second.place) == (90, "forwarded", 2, 1)
    assert (first.box, first.detail) == (expected.face.box, expected.detail)
    assert first.inter_eye_distance == expected.inter_eye_distance
    assert (first.shift, first.detector_score) == (0.5, 0.9)
    assert (first.wall_s, first.seen_s) == (WALL.timestamp(), 7.0)
    assert picture is not None
    assert picture.startswith(b"\xff\xd8")  # JPEG


def test_a_face_that_was_not_scored_is_logged_without_figures(shadow_log, path):
    shadow_log.observe(frame(SeenFace(assessment().face.box, 3, None)))
    shadow_log.stop()
    ((found, picture),) = logged(path)
    assert (found.reason, found.score, found.inter_eye_distance) == (Reason.NOT_BEST, None, None)
    assert picture is None


def discarded(reason, box):
    found = assessment(Given(shift=None))
    found = replace(found, face=replace(found.face, box=box), verdict=Verdict(False, reason))
    return SeenFace(box, 1, found)


@pytest.mark.parametrize(
    ("reason", "box", "has_picture"),
    [
        (Reason.TOO_SMALL, Box(10, 10, 30, 30), True),
        (Reason.TRUNCATED, Box(-20, 30, 20, 90), True),
        (Reason.MASKED, Box(10, 10, 30, 30), False),  # masks are there for privacy
        (Reason.TRUNCATED, Box(500, 500, 520, 520), False),
        (Reason.TRUNCATED, Box(0, 0, float("inf"), 20), False),
    ],
)
def test_a_face_that_a_pre_check_discarded_is_cut_out_of_its_frame(
    shadow_log, path, reason, box, has_picture
):
    shadow_log.observe(frame(discarded(reason, box)))
    shadow_log.stop()
    ((found, picture),) = logged(path)
    assert (found.reason, found.score) == (reason, None)
    assert (picture is not None) == has_picture


def test_only_the_user_of_the_service_can_read_it(shadow_log, path):
    shadow_log.observe(frame(face()))
    shadow_log.stop()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_without_a_section_nothing_is_logged(tmp_path):
    log = ShadowLog()
    log.use(configuration(tmp_path), "pair")
    log.observe(frame(face()))
    log.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_reload_to_another_file_loses_no_face(shadow_log, tmp_path, path):
    shadow_log.observe(frame(face(10.0)))
    shadow_log.use(configuration(tmp_path, LOGGED.replace("shadow.sqlite", "other.sqlite")), "pair")
    shadow_log.observe(frame(face(20.0)))
    shadow_log.stop()
    assert [found.score for found, _ in logged(path)] == [10]
    assert [found.score for found, _ in logged(path.with_name("other.sqlite"))] == [20]


def test_a_reload_that_changes_nothing_about_it_goes_on(shadow_log, tmp_path, path):
    shadow_log.observe(frame(face(10.0), seen_s=0.0))
    shadow_log.use(configuration(tmp_path, LOGGED), "pair")
    shadow_log.observe(frame(face(20.0), seen_s=1.0))
    shadow_log.stop()
    database = open_shadow_log(path)
    (piece,) = read_pieces(database, "door")
    database.close()
    assert (piece.frames, piece.watched_s) == (2, 1.0)


def written(path, hands, *batches, **settings):
    """Write frames of one face at times of a clock of its own; each batch by another process."""
    for wall, seen, size in batches:
        hands.wall = wall
        writer = ShadowLogWriter(ShadowLogSettings(path=path, **settings), hands.clocks())
        for seen_s in seen:
            image = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
            row = frame(face(), seen_s=seen_s)
            noted = [(logged_face(row.outcome.seen[0], 0, seen_s, seen_s), image)]
            writer.put(Noted(KIND, seen_s, is_still=False, faces=noted))
        writer.stop()


def test_faces_older_than_allowed_are_deleted_and_their_bytes_overwritten(path):
    hands = Hands()
    written(path, hands, (hands.wall, [0.0], 112), keep_for=DAY)
    ((_, picture),) = logged(path)
    assert picture is not None
    assert picture[2000:2040] in path.read_bytes()
    written(path, hands, (hands.wall + 2 * DAY, [5.0], 8), keep_for=DAY)
    assert [found.seen_s for found, _ in logged(path)] == [5.0]
    files = [part.read_bytes() for part in path.parent.iterdir()]
    assert not any(picture[2000:2040] in content for content in files)


def test_a_clock_that_was_never_set_deletes_nothing(path):
    hands = Hands()
    written(path, hands, (hands.wall, [0.0], 8), (0.0, [5.0], 8), keep_for=DAY)
    assert [found.seen_s for found, _ in logged(path)] == [0.0, 5.0]


def test_a_full_log_forgets_the_oldest_first(path):
    hands = Hands()
    seen = [number * 2 * LONGEST_PIECE_S for number in range(9)]
    written(path, hands, (hands.wall, seen, 8), at_most=4000)
    kept = [found.seen_s for found, _ in logged(path)]
    assert 0 < len(kept) < 9
    assert kept == seen[-len(kept) :]
    database = open_shadow_log(path)
    stored = database.execute("SELECT bytes FROM stored").fetchone()[0]
    summed = database.execute("SELECT sum(bytes) FROM faces").fetchone()[0]
    database.close()
    assert stored == summed <= 4000


def test_more_than_memory_holds_is_left_out_and_told(path, caplog):
    hands = Hands()
    writer = ShadowLogWriter(ShadowLogSettings(path=path), hands.clocks())
    row = logged_face(face(), 0, 0.0, 0.0)
    noted = Noted(KIND, 0.0, is_still=False, faces=[(row, None)] * (MOST_WAITING + 1))
    with caplog.at_level("INFO"):
        writer.put(noted)
        writer.stop()
    assert logged(path) == []
    assert f"lacks {MOST_WAITING + 1} faces" in caplog.text


def test_a_folder_that_cannot_be_written_stops_nobody_and_is_told_once(tmp_path, caplog):
    (tmp_path / "state").write_text("a file where a folder should be")
    log = ShadowLog()
    log.use(configuration(tmp_path, LOGGED), "pair")
    for _ in range(2):
        log.observe(frame(face()))
    log.stop()
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert "the gate goes on without it" in errors[0]


def test_a_full_disk_is_told_and_what_comes_later_is_logged_again(small_file_system, caplog):
    path, filler, hands = small_file_system / "shadow.sqlite", small_file_system / "x", Hands()
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    writer = ShadowLogWriter(ShadowLogSettings(path=path), hands.clocks())
    with caplog.at_level("INFO"):
        for seen_s in (1.0, 2.0):
            row = logged_face(face(), 0, seen_s, seen_s)
            writer.put(Noted(KIND, seen_s, is_still=False, faces=[(row, None)]))
            until(lambda: "make room" in caplog.text)
            filler.unlink(missing_ok=True)
            hands.monotonic += TIDY_EVERY_S
        writer.stop()
    assert [found.seen_s for found, _ in logged(path)] == [2.0]
    assert "the shadow log works again; it lacks 1 face" in caplog.text


def test_a_log_is_told_from_other_files(path, tmp_path):
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE t (x)")
    database.close()
    opened = open_shadow_log(path)  # also while somebody has it open
    assert is_shadow_log(path)
    opened.close()
    assert not is_shadow_log(other)
    assert not is_shadow_log(tmp_path / "missing")
    with pytest.raises(ShadowLogError, match="another program"):
        open_shadow_log(other)


def test_a_log_that_a_gate_is_just_making_is_taken_for_one(path, tmp_path):
    making = open_face_database(path, FORMAT)  # its mark is in the write-ahead log so far
    assert not is_shadow_log(path)
    assert takes_shadow_log(path)
    making.close()
    (tmp_path / "empty.sqlite").touch()
    assert takes_shadow_log(tmp_path / "empty.sqlite")
    assert not takes_shadow_log(tmp_path)


def test_another_programs_file_takes_no_log(tmp_path):
    other = sqlite3.connect(tmp_path / "other.sqlite")
    other.execute("CREATE TABLE t (x)")
    other.close()
    assert not takes_shadow_log(tmp_path / "other.sqlite")
    (tmp_path / "notes.txt").write_text("of somebody")
    assert not takes_shadow_log(tmp_path / "notes.txt")


def newer(path):
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(os.urandom(4096)), "damaged; move it away"),
        (newer, "schema version 99"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_what_to_do(path, damage, words):
    open_shadow_log(path).close()
    damage(path)
    with pytest.raises(ShadowLogError, match=words):
        open_shadow_log(path)


def test_the_file_says_whose_it_is(path):
    database = open_shadow_log(path)
    assert database.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    database.close()


def taken(times, kind=KIND):
    pieces = Pieces()
    found: list[Piece] = []
    for seen_s in times:
        piece = pieces.take(kind, seen_s, is_still=False)
        if not found or found[-1] is not piece:
            found.append(piece)
    return found


def test_a_camera_was_watched_from_its_first_frame_to_the_end_of_its_last():
    assert watched_s(taken([0.0, 0.2, 0.4, 0.6])) == pytest.approx(0.8)


def test_pieces_of_a_long_time_add_up_to_it():
    times = np.arange(0, 3 * LONGEST_PIECE_S, 0.5).tolist()
    found = taken(times)
    assert len(found) == 3
    assert watched_s(found) == pytest.approx(3 * LONGEST_PIECE_S)
    assert watched_s(found[1:]) == pytest.approx(2 * LONGEST_PIECE_S)


def test_an_outage_was_not_watched():
    away = 1.0 + 2 * LONGEST_GAP_S
    assert watched_s(taken([0.0, 0.5, 1.0, away, away + 0.5, away + 1])) == pytest.approx(3.0)


def test_still_images_last_no_time():
    pieces = Pieces()
    found = [pieces.take(KIND, float(seen_s), is_still=True) for seen_s in range(5)]
    assert watched_s(list({id(piece): piece for piece in found}.values())) == 0


def test_another_run_is_another_piece():
    pieces = Pieces()
    first = pieces.take(KIND, 1.0, is_still=False)
    second = pieces.take(replace(KIND, run="later"), 1.5, is_still=False)
    assert first is not second
    assert second.watched_s == 0
