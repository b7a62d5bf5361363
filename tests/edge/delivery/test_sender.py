import threading
from dataclasses import replace

import pytest

from edge.config.delivery import BackoffSettings, OutboxSettings
from edge.delivery.face_database import IN_MEMORY
from edge.delivery.outbox import Outbox
from edge.delivery.sender import Sender
from edge.errors import OutboxError, OutboxFullError, SinkBusyError, SinkError, SinkRefusedError
from tests.edge.clocks import Hands
from tests.edge.deliveries import PATIENCE_S, ScriptedSink, Stuck, blob, keys
from tests.edge.watching import until

BACKOFF = BackoffSettings(first=2.0, at_most=60.0)
QUICK = BackoffSettings(first=0.001, at_most=0.001)
HOURLY = BackoffSettings(first=3600.0, at_most=3600.0)


class BrokenOutbox:
    """An outbox whose file cannot be read."""

    def due(self, sink):
        raise OutboxError(f"the queue of {sink} cannot be read")

    def seconds_until_due(self, sink):
        raise OutboxError(f"the queue of {sink} cannot be read")


class ForgetfulOutbox(BrokenOutbox):
    """An outbox whose file fails between two questions."""

    def due(self, sink):  # noqa: ARG002 -- of any
        return None


class ReadOnlyOutbox(Outbox):
    """An outbox on a full disk: it records no failure."""

    def postpone(self, face_id, sink, delay_s):
        raise OutboxFullError(f"face {face_id} of {sink} was not postponed by {delay_s} s")

    def refuse(self, face_id, sink, refusal, *, is_damaged=False):
        kind = "damaged" if is_damaged else "refused"
        raise OutboxFullError(f"{kind} face {face_id} of {sink} is no dead letter: {refusal}")


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def open_outbox(hands):
    opened = []

    def opens(kind=Outbox, faces=1):
        outbox = kind(OutboxSettings(path=IN_MEMORY), ("sink",), hands.clocks())
        for number in range(faces):
            outbox.put(blob(number))
        opened.append(outbox)
        return outbox

    yield opens
    for outbox in opened:
        outbox.close()


@pytest.fixture
def sender_of():
    """Make senders that draw no luck; those that a test started end with it."""
    made = []

    def makes(sink, *outboxes, backoff=BACKOFF):
        made.append(Sender("sink", sink, lambda: outboxes, backoff, chance=lambda: 0.0))
        return made[-1]

    yield makes
    for sender in made:
        sender.stop()
        assert sender.join(PATIENCE_S)


def rests(sender):
    """Return the question whether it says that it idles or rests, and is not taken for stuck."""
    return lambda: sender.thread.death() is None


def a_moment():
    """Give a thread that does not rest the time to show it; for one that does, no time is short."""
    threading.Event().wait(0.05)


def drained(sender):
    """Send what is due in the thread's last moments, until the first failure."""
    sender.stop(drain_s=100 * PATIENCE_S)
    sender.start()
    assert sender.join(PATIENCE_S)  # it waits for nothing more
    return sender.status


def ended(sender):
    sender.stop()
    assert sender.join(PATIENCE_S)
    return sender.status


def test_faces_are_sent_in_order_and_leave_the_outbox(sender_of, open_outbox):
    outbox, sink = open_outbox(faces=3), ScriptedSink()
    status = drained(sender_of(sink, outbox))
    assert sink.attempts == keys(0, 1, 2)
    assert (status.delivered, status.failed, status.last_error) == (3, 0, None)
    assert outbox.seconds_until_due("sink") is None
    assert sink.closed.is_set()


def test_the_first_outbox_is_emptied_first_and_a_broken_one_holds_up_no_other(
    sender_of, open_outbox
):
    first, second, sink = open_outbox(faces=2), open_outbox(faces=3), ScriptedSink()
    drained(sender_of(sink, BrokenOutbox(), first, second))
    assert sink.attempts == keys(0, 1, 0, 1, 2)


def test_a_face_that_was_not_taken_waits_half_the_first_pace_at_least(sender_of, open_outbox):
    outbox = open_outbox()
    paced = BackoffSettings(first=0.5, at_most=60.0)
    status = drained(sender_of(ScriptedSink(SinkError("down")), outbox, backoff=paced))
    assert outbox.seconds_until_due("sink") == 0.25
    assert (status.failed, status.failures_in_a_row, status.last_error) == (1, 1, "down")


def test_each_failure_of_a_face_doubles_its_wait(sender_of, open_outbox, hands):
    outbox = open_outbox()
    waits = []
    for _ in range(7):
        drained(sender_of(ScriptedSink(SinkError("down")), outbox))
        waits.append(outbox.seconds_until_due("sink"))
        hands.monotonic += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_what_a_sink_asks_for_is_kept_in_the_queue_for_the_next_process(sender_of, open_outbox):
    outbox = open_outbox()
    drained(sender_of(ScriptedSink(SinkBusyError("later", 3600.0)), outbox))
    assert outbox.seconds_until_due("sink") == 3600.0


def test_a_sink_that_asks_for_less_than_the_pace_gets_the_pace(sender_of, open_outbox):
    outbox = open_outbox()
    drained(sender_of(ScriptedSink(SinkBusyError("soon", 0.25)), outbox))
    assert outbox.seconds_until_due("sink") == 1.0


@pytest.mark.parametrize("trouble", [SinkError("down"), SinkBusyError("later", 3600.0)])
def test_a_failure_ends_the_last_moments(sender_of, open_outbox, trouble):
    sink = ScriptedSink(trouble)
    drained(sender_of(sink, open_outbox(faces=3)))
    assert sink.attempts == keys(0)


def test_a_refused_face_becomes_a_dead_letter_and_lets_the_next_pass(
    sender_of, open_outbox, caplog
):
    outbox, sink = open_outbox(faces=2), ScriptedSink(SinkRefusedError("no such gallery"))
    status = drained(sender_of(sink, outbox))
    [row] = outbox.ledger()
    assert (row.dead, row.delivered, row.unexplained) == (1, 1, 0)
    assert (status.refused, status.delivered, status.failed) == (1, 1, 0)
    assert status.last_error == "no such gallery"
    assert f"face {blob(0).key} is a dead letter for sink sink: no such gallery" in caplog.text


def spoilt(queued):
    """Return the first face as a failing disk gives it back; every other one as it is."""
    if queued is None or queued.delivery != blob(0):
        return queued
    return replace(queued, damage="the disk may be failing")


class FailingOutbox(Outbox):
    def due(self, sink):
        return spoilt(super().due(sink))


class FailingReadOnlyOutbox(ReadOnlyOutbox):
    def due(self, sink):
        return spoilt(super().due(sink))


def test_a_face_that_is_not_as_it_was_accepted_is_never_sent(sender_of, open_outbox):
    outbox, sink = open_outbox(FailingOutbox, faces=2), ScriptedSink()
    status = drained(sender_of(sink, outbox))
    assert sink.attempts == keys(1)
    assert (status.refused, status.last_error) == (1, "the disk may be failing")


def test_the_outbox_is_told_that_the_row_of_a_damaged_face_may_be_at_odds(sender_of, open_outbox):
    outbox = open_outbox(FailingReadOnlyOutbox)
    assert "damaged face 1" in drained(sender_of(ScriptedSink(), outbox)).last_error


def test_a_refusal_that_cannot_be_recorded_is_a_failure(sender_of, open_outbox):
    status = drained(sender_of(ScriptedSink(SinkRefusedError("no")), open_outbox(ReadOnlyOutbox)))
    assert (status.refused, status.failures_in_a_row) == (0, 1)
    assert status.last_error == "refused face 1 of sink is no dead letter: no"


def test_a_wait_that_cannot_be_recorded_still_rests_the_sink(sender_of, open_outbox):
    sink = ScriptedSink(SinkError("down"))
    status = drained(sender_of(sink, open_outbox(ReadOnlyOutbox)))
    assert sink.attempts == keys(0)
    assert status.last_error == "down"


def test_a_queue_that_cannot_be_read_is_a_failure(sender_of):
    status = drained(sender_of(ScriptedSink(), BrokenOutbox()))
    assert (status.failed, status.last_error) == (1, "the queue of sink cannot be read")


def test_an_idle_sender_that_cannot_know_when_a_face_is_due_says_so_and_rests(sender_of):
    sink = ScriptedSink()
    sender = sender_of(sink, ForgetfulOutbox(), backoff=HOURLY)
    sender.start()
    until(lambda: sender.status.failed)
    a_moment()
    status = ended(sender)
    assert (status.failed, status.last_error) == (1, "the queue of sink cannot be read")


def test_the_first_failure_is_logged_at_once(sender_of, open_outbox, caplog):
    drained(sender_of(ScriptedSink(SinkError("down")), open_outbox()))
    assert "sink sink: down; faces wait in the outbox" in caplog.text


def test_state_changes_are_logged_once_and_not_each_attempt(sender_of, open_outbox, caplog):
    sink, outbox = ScriptedSink(*[SinkError("connection refused")] * 6), open_outbox(ReadOnlyOutbox)
    caplog.set_level("INFO", "edge.delivery.sender")
    sender = sender_of(sink, outbox, backoff=QUICK)
    sender.start()
    assert sink.keys(1) == keys(0)
    status = ended(sender)
    assert (status.failed, status.failures_in_a_row, status.delivered) == (6, 0, 1)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "back after 6 failures" in caplog.text


def test_one_face_that_always_fails_does_not_stop_the_others(sender_of, open_outbox):
    class Poisoned(ScriptedSink):
        def send(self, delivery):
            if delivery.key == blob(0).key:
                raise SinkError("this one breaks me")
            super().send(delivery)

    sink = Poisoned()
    sender = sender_of(sink, open_outbox(faces=4), backoff=QUICK)
    sender.start()
    assert sink.keys(3) == keys(1, 2, 3)


def test_a_sender_that_never_started_closes_its_sink(sender_of):
    sink = ScriptedSink()
    assert sender_of(sink).join(0.0)
    assert sink.closed.is_set()


def test_a_sink_that_does_not_return_is_left_behind(sender_of, open_outbox):
    sink = Stuck()
    sender = sender_of(sink, open_outbox())
    sender.start()
    assert sink.going.wait(PATIENCE_S)
    sender.stop()
    assert not sender.join(0.0)
    sink.returns.set()
    assert sender.join(PATIENCE_S)


def test_without_time_to_drain_nothing_more_is_sent(sender_of, open_outbox):
    sink = ScriptedSink()
    sender = sender_of(sink, open_outbox(faces=3))
    sender.stop()
    sender.start()
    ended(sender)
    assert sink.attempts == []


def test_a_face_that_comes_while_the_thread_idles_wakes_it(sender_of, open_outbox):
    outbox, sink = open_outbox(faces=0), ScriptedSink()
    sender = sender_of(sink, outbox)
    sender.start()
    assert sink.moments.get(timeout=PATIENCE_S) == 0
    outbox.put(blob(1))
    sender.wake()
    assert sink.keys(1) == keys(1)


def test_an_idle_sender_takes_up_a_postponed_face_when_it_is_due(sender_of, monkeypatch):
    monkeypatch.setattr("edge.delivery.sender.LONGEST_IDLE_S", 3600.0)
    outbox, sink = Outbox(OutboxSettings(path=IN_MEMORY), ("sink",)), ScriptedSink()
    outbox.put(blob(1))
    queued = outbox.due("sink")
    assert queued is not None
    outbox.postpone(queued.face_id, "sink", 0.05)
    sender = sender_of(sink, outbox)
    sender.start()
    assert sink.keys(1) == keys(1)
    ended(sender)
    outbox.close()


def test_an_idle_sender_takes_one_turn_for_each_call(sender_of, open_outbox):
    sink = ScriptedSink()
    sender = sender_of(sink, open_outbox(faces=0))
    sender.start()
    sink.moments.get(timeout=PATIENCE_S)
    sender.wake()
    sink.moments.get(timeout=PATIENCE_S)
    a_moment()
    ended(sender)
    assert sink.moments.empty()


def test_a_sink_that_is_down_is_not_tried_with_the_next_face_before_it_has_rested(
    sender_of, open_outbox
):
    sink = ScriptedSink(*[SinkError("down")] * 3)
    sender = sender_of(sink, open_outbox(faces=3), backoff=HOURLY)
    sender.start()
    until(lambda: sink.attempts)
    a_moment()
    ended(sender)
    assert sink.attempts == keys(0)


def test_a_sink_that_fails_while_it_idles_rests(sender_of, open_outbox):
    class FailsWhenIdle(ScriptedSink):
        def idle(self):
            super().idle()
            raise RuntimeError("nobody foresaw this")

    sink = FailsWhenIdle()
    sender = sender_of(sink, open_outbox(faces=0), backoff=HOURLY)
    sender.start()
    sink.moments.get(timeout=PATIENCE_S)
    a_moment()
    assert "nobody foresaw this" in ended(sender).last_error
    assert sink.moments.empty()


def test_a_sender_that_idles_or_rests_says_so_and_is_not_taken_for_stuck(sender_of, open_outbox):
    idle = sender_of(ScriptedSink(), open_outbox(faces=0))
    resting = sender_of(ScriptedSink(SinkError("down")), open_outbox(), backoff=HOURLY)
    for sender in (idle, resting):
        sender.thread.patience_s = -1.0
        sender.start()
        until(rests(sender))


@pytest.mark.parametrize("trouble", [ValueError("a defect"), MemoryError(), KeyError("webp")])
def test_whatever_a_sink_raises_is_a_failed_attempt_and_the_next_face_goes_on(
    sender_of, open_outbox, caplog, trouble
):
    outbox, sink = open_outbox(faces=3), ScriptedSink(trouble)
    sender = sender_of(sink, outbox, backoff=QUICK)
    sender.start()
    assert sink.keys(2) == keys(1, 2)
    status = ended(sender)
    assert (status.delivered, status.failed) == (2, 1)
    assert type(trouble).__name__ in status.last_error
    assert caplog.text.count("Traceback") == 1
    assert sender.thread.failures == 0


def test_a_sink_that_fails_while_it_idles_goes_on_getting_faces(sender_of, open_outbox):
    class FailsWhenIdle(ScriptedSink):
        def idle(self):
            super().idle()
            raise RuntimeError("nobody foresaw this")

    outbox, sink = open_outbox(faces=0), FailsWhenIdle()
    sender = sender_of(sink, outbox, backoff=QUICK)
    sender.start()
    sink.moments.get(timeout=PATIENCE_S)
    outbox.put(blob(1))
    sender.wake()
    assert sink.keys(1) == keys(1)


def test_a_sink_that_does_not_return_after_a_rest_is_told_as_a_stuck_thread(sender_of, open_outbox):
    sink, outbox = Stuck(), open_outbox(faces=0)
    sender = sender_of(sink, outbox)
    sender.thread.patience_s = -1.0
    sender.start()
    until(rests(sender))
    outbox.put(blob(1))
    sender.wake()
    assert sink.going.wait(PATIENCE_S)
    assert "no sign of life" in sender.thread.death()
    sink.returns.set()
    ended(sender)


def test_a_sink_that_does_not_return_is_told_as_a_stuck_thread(sender_of, open_outbox):
    sink = Stuck()
    sender = sender_of(sink, open_outbox())
    sender.thread.patience_s = -1.0
    sender.start()
    assert sink.going.wait(PATIENCE_S)
    assert "thread sender-sink: no sign of life" in sender.thread.death()
    sink.returns.set()
    ended(sender)
