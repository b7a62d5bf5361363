"""Counts, events and marks over a real file, with clocks that a test moves."""

from collections import Counter
from dataclasses import replace

import pytest

from edge.delivery.face_database import IN_MEMORY
from edge.errors import ConfigError
from edge.history.file import RETRY_S, HistoryFile
from edge.history.history import FRESH_S, CameraNow, History
from edge.history.tables import (
    HOUR_S,
    KEPT_HOURS,
    MOST_EVENTS,
    Asked,
    Event,
    add_amounts,
    add_events,
    amounts_of,
    events_of,
    tidy,
)
from edge.history.walks import QUIET_S
from edge.samples import Reason
from tests.edge.clocks import Hands
from tests.edge.configurations import loaded
from tests.edge.looked_at import Face, observation

CONFIGURATION = """\
pair: p
sources: [{name: door, uri: "rtsp://camera/door"}]
sinks: [{type: stdout}]
"""
FIRST_HOUR = 500_000


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def history(clock, tmp_path):
    made = History(
        wall=lambda: FIRST_HOUR * HOUR_S + clock.monotonic, monotonic=lambda: clock.monotonic
    )
    made.file = HistoryFile(tmp_path / "history.sqlite", lambda: clock.monotonic)
    yield made
    made.file.close()


def amounts(history, kind):
    history.refresh(0)
    with history.file.read() as database:
        rows = amounts_of(database, "door", FIRST_HOUR + 100)
    return {(hour - FIRST_HOUR, name): amount for hour, at, name, amount in rows if at == kind}


def events(history, **asked):
    history.refresh(0)
    with history.file.read() as database:
        return events_of(database, Asked(**asked))


def test_faces_are_counted_by_reason_and_hour_as_the_gate_counts_them(history, clock):
    shown = observation((Face(80, 1), Face(20, 2)))
    shown.outcome.discarded.update({Reason.LOW_QUALITY: 1})
    history.observe(shown)
    clock.monotonic += HOUR_S
    history.observe(shown)
    history.observe(shown)
    assert amounts(history, "reason") == {
        (0, "forwarded"): 1,
        (0, "low_quality"): 1,
        (1, "forwarded"): 2,
        (1, "low_quality"): 2,
    }
    assert amounts(history, "score") == {(0, "80"): 1, (0, "20"): 1, (1, "80"): 2, (1, "20"): 2}


def test_the_best_score_has_a_place(history):
    history.observe(observation((Face(100), Face(0, 2))))
    assert amounts(history, "score") == {(0, "90"): 1, (0, "0"): 1}


def test_the_time_in_each_state_is_counted_and_a_change_is_an_event(history, clock):
    states = {"door": CameraNow("streaming")}
    history.states = lambda: states
    history.refresh(0)
    clock.monotonic += 30
    states["door"] = CameraNow("lost", "the login is refused")
    history.refresh(0)
    clock.monotonic += 20
    history.refresh(0)
    assert amounts(history, "state") == {(0, "streaming"): 30, (0, "lost"): 20}
    assert [(one.reason, one.words) for one in events(history)] == [
        ("lost", "the login is refused")
    ]


def test_everybody_who_walked_by_is_one_event_with_the_best_score(history, clock):
    for score in (20, 60, 40):
        history.observe(observation((Face(score, 1),), forwarded=score == 60))
    history.observe(observation((Face(30, 2), Face(None, 3))))
    assert events(history) == []
    clock.monotonic += QUIET_S + 1
    told = [(one.reason, one.score) for one in events(history)]
    assert told == [("too_small", None), ("low_quality", 30), ("forwarded", 60)]
    assert events(history)[0].wall_s == FIRST_HOUR * HOUR_S + clock.monotonic - QUIET_S - 1
    assert [one.score for one in events(history, reason="low_quality")] == [30]
    assert events(history, camera="yard") == []


@pytest.mark.parametrize(
    ("mode", "reason", "why"),
    [
        ("observe", "observed", "mode observe"),
        ("best_shot", "duplicate", "the same person was sent before (tracks.duplicate_within)"),
    ],
)
def test_who_reached_the_threshold_and_was_not_sent_is_told_why(history, clock, mode, reason, why):
    history.use(loaded(f"mode: {mode}\n{CONFIGURATION}").config)
    history.observe(observation((Face(80, 1),), forwarded=False))
    clock.monotonic += QUIET_S + 1
    (told,) = events(history)
    assert told.reason == reason
    assert why in told.words
    history.stop()


def test_tracks_of_a_camera_opened_anew_are_other_people(history, clock):
    history.observe(observation((Face(20, 1),)))
    history.observe(replace(observation((Face(30, 1),)), run="another"))
    clock.monotonic += QUIET_S + 1
    assert [one.score for one in events(history)] == [30, 20]


def test_a_track_that_turns_out_to_be_somebody_known_is_no_event_of_its_own(history, clock):
    history.observe(observation((Face(80, 1),)))
    history.observe(observation((Face(90, 2),)))
    joined = observation((Face(20, 1),))
    joined.outcome.joined[2] = 1
    history.observe(joined)
    clock.monotonic += QUIET_S + 1
    told = [(one.reason, one.score, one.words) for one in events(history)]
    assert told == [("forwarded", 90, "2 faces forwarded")]


def test_who_leaves_slowly_by_the_configuration_has_not_left(history, clock):
    history.use(loaded(f"tracks: {{gap: 1min}}\n{CONFIGURATION}").config)
    history.observe(observation((Face(20, 1),)))
    clock.monotonic += 2 * 60
    assert events(history) == []
    clock.monotonic += 1
    assert len(events(history)) == 1
    history.stop()


def test_what_is_older_than_a_week_is_forgotten_and_events_are_bounded(history):
    with history.file.changed() as database:
        for hour in (0, KEPT_HOURS, KEPT_HOURS + 1):
            add_amounts(database, {("door", FIRST_HOUR + hour, "reason", "pose"): 1})
        now_s = (FIRST_HOUR + KEPT_HOURS + 1) * HOUR_S
        add_events(database, [Event(FIRST_HOUR * HOUR_S, "door", "pose", None, "")])
        add_events(database, [Event(now_s, "door", "pose", n, "") for n in range(MOST_EVENTS)])
        tidy(database, FIRST_HOUR + KEPT_HOURS + 1)
        kept = Counter(hour for (hour,) in database.execute("SELECT hour FROM hours"))
        assert set(kept) == {FIRST_HOUR + KEPT_HOURS, FIRST_HOUR + KEPT_HOURS + 1}
        assert database.execute("SELECT count(*) FROM events").fetchone() == (MOST_EVENTS,)
        page = events_of(database, Asked())
        following = events_of(database, Asked(before=page[-1].event_id))
    assert page[-1].event_id - following[0].event_id == 1


def test_what_cannot_be_written_waits_until_it_can(history, clock, tmp_path, caplog):
    (tmp_path / "folder").write_text("no folder")
    history.file = HistoryFile(tmp_path / "folder" / "history.sqlite", lambda: clock.monotonic)
    history.observe(observation((Face(80, 1),)))
    history.refresh(0)
    history.refresh(0)
    assert len(caplog.records) == 1
    assert "check page.history" in caplog.text
    (tmp_path / "folder").unlink()
    with pytest.raises(ConfigError), history.file.read():
        pass  # it is not tried again at once
    clock.monotonic += RETRY_S
    assert amounts(history, "reason") == {(0, "forwarded"): 1}


def test_another_programs_file_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("my notes " * 100)
    with pytest.raises(ConfigError, match=r"notes\.txt"), HistoryFile(path, lambda: 0.0).changed():
        pass
    assert path.read_text() == "my notes " * 100


def test_who_asks_often_does_not_wear_the_disk(history, clock):
    history.observe(observation((Face(80, 1),)))
    history.refresh()
    history.observe(observation((Face(80, 1),)))
    history.refresh()
    with history.file.read() as database:
        assert amounts_of(database, "door", FIRST_HOUR)[0][3] == 1
    clock.monotonic += FRESH_S
    history.refresh()
    with history.file.read() as database:
        assert amounts_of(database, "door", FIRST_HOUR)[0][3] == 2


def test_without_a_file_it_is_kept_in_memory_and_with_one_over_the_end(tmp_path):
    history = History()
    history.use(loaded(CONFIGURATION).config)
    assert (history.is_kept, history.file.path) == (False, IN_MEMORY)
    path = tmp_path / "history.sqlite"
    config = loaded(f"{CONFIGURATION}page: {{history: {path}}}\n").config
    history.use(config)
    history.observe(observation((Face(80, 1),)))
    history.stop()
    again = History()
    again.use(config)
    with again.file.read() as database:
        assert database.execute("SELECT amount FROM hours WHERE kind = 'reason'").fetchone() == (1,)
    again.stop()
    assert b"\xff\xd8" not in path.read_bytes()  # no picture
    assert path.stat().st_mode & 0o077 == 0
