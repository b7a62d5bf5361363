import threading

import pytest

from edge import watched_thread
from edge.watched_thread import MOST_FAILURES, STEADY_S, WatchedThread
from tests.edge.mqtt_broker import PATIENCE_S


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch):
    monkeypatch.setattr(watched_thread, "FIRST_REST_S", 0.001)
    monkeypatch.setattr(watched_thread, "LONGEST_REST_S", 0.001)


class Clock:
    """Stands still until told otherwise."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def started():
    made = []

    def start(run, clock=None, patience_s=10.0):
        made.append(WatchedThread("clerk", run, patience_s, clock or Clock()))
        made[-1].start()
        return made[-1]

    yield start
    for thread in made:
        thread.stop()
        assert thread.join(PATIENCE_S)


class Loop:
    """Raises what the script says, one for each beginning; then waits to be told to end."""

    def __init__(self, *script):
        self.script, self.works, self.ends = list(script), threading.Event(), threading.Event()

    def __call__(self):
        if self.script:
            raise self.script.pop(0)
        self.works.set()
        self.ends.wait(PATIENCE_S)


def test_a_thread_that_works_has_no_trouble(started):
    loop = Loop()
    thread = started(loop)
    assert loop.works.wait(PATIENCE_S)
    assert (thread.trouble(), thread.death(), thread.failures) == (None, None, 0)
    loop.ends.set()


def test_what_nobody_foresaw_is_logged_and_the_loop_begins_anew(started, caplog):
    loop, clock = Loop(KeyError("row")), Clock()
    thread = started(loop, clock)
    assert loop.works.wait(PATIENCE_S)
    assert thread.failures == 1
    assert "KeyError: 'row'" in caplog.text
    assert thread.trouble() == "thread clerk failed and began anew: KeyError: 'row'"
    assert thread.death() is None
    clock.now += STEADY_S + 1
    thread.beat()
    assert thread.trouble() is None
    loop.ends.set()


def test_a_thread_that_fails_again_and_again_gives_up_and_only_a_new_process_helps(started):
    thread = started(Loop(*[ValueError("always")] * MOST_FAILURES))
    assert thread.join(PATIENCE_S)
    assert thread.death() == thread.trouble() == "thread clerk gave up: ValueError: always"
    assert thread.failures == MOST_FAILURES


def test_a_thread_that_even_a_catch_all_does_not_hold_is_dead(started):
    threading.excepthook, before = lambda _: None, threading.excepthook
    thread = started(Loop(SystemExit()))
    assert thread.join(PATIENCE_S)
    threading.excepthook = before
    assert thread.death() == "thread clerk gave up"


def test_a_thread_without_a_sign_of_life_is_stuck(started):
    loop, clock = Loop(), Clock()
    thread = started(loop, clock)
    clock.now += 11
    assert thread.death() == thread.trouble() == "thread clerk: no sign of life for 11 s"
    thread.beat(rest_s=60)
    clock.now += 69
    assert thread.death() is None
    loop.ends.set()


def test_a_thread_that_was_told_to_end_or_never_started_is_not_missed(started):
    clock = Clock()
    never = WatchedThread("clerk", Loop(), 10.0, clock)
    assert never.join(0)
    loop = Loop()
    thread = started(loop, clock)
    thread.stop()
    clock.now += 1000
    assert (thread.death(), never.death()) == (None, None)
    loop.ends.set()


def test_a_loop_that_has_come_to_its_end_is_not_missed(started):
    loop, clock = Loop(), Clock()
    loop.ends.set()
    thread = started(loop, clock)
    assert thread.join(PATIENCE_S)
    clock.now += 1000
    assert thread.trouble() is None


def test_a_thread_that_rests_after_a_failure_ends_when_told_to(started, monkeypatch):
    monkeypatch.setattr(watched_thread, "FIRST_REST_S", 1000.0)
    monkeypatch.setattr(watched_thread, "LONGEST_REST_S", 1000.0)
    thread = started(Loop(ValueError("once")))
    thread.stop()
    assert thread.join(PATIENCE_S)
