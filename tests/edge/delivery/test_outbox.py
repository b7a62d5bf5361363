from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.config.delivery import OutboxSettings
from edge.delivery.face_database import IN_MEMORY
from edge.delivery.outbox import EXPIRE_EVERY_S, Outbox, Placed
from edge.delivery.outbox_ledger import LedgerRow
from edge.delivery.outbox_tables import Stock, room_for
from edge.errors import OutboxError
from tests.edge.clocks import DAY, Hands
from tests.edge.deliveries import blob, waiting

YEARS = 365 * DAY
NOTHING = LedgerRow("http", 0, 0, 0, 0, 0, 0, 0, 0, None)


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def open_outbox(tmp_path, hands):
    """Open the same file, again and again if the test likes."""
    opened = []

    def opens(sinks=("http",), **changes):
        chosen = OutboxSettings(path=tmp_path / "state" / "outbox.sqlite", **changes)
        opened.append(Outbox(chosen, sinks, hands.clocks()))
        return opened[-1]

    yield opens
    for outbox in opened:
        outbox.close()


def row(outbox, sink="http"):
    [found] = [row for row in outbox.ledger() if row.sink == sink]
    assert found.unexplained == 0
    return found


def test_faces_come_out_unchanged_and_in_order(open_outbox):
    outbox = open_outbox()
    put = [blob(number, size=50 + number) for number in (3, 1, 2)]
    for delivery in put:
        outbox.put(delivery)
    assert waiting(outbox) == put


def test_a_face_outlives_the_process_that_put_it(open_outbox):
    open_outbox().put(blob(1))
    assert waiting(open_outbox()) == [blob(1)]


def test_the_same_key_is_kept_once(open_outbox):
    outbox = open_outbox()
    assert [outbox.put(blob(1)) for _ in range(3)] == [Placed(kept=True, evicted=0)] * 3
    assert row(outbox).queued == 1


def test_each_sink_has_a_queue_of_its_own(open_outbox):
    outbox = open_outbox(("http", "mqtt"))
    outbox.put(blob(1))
    assert waiting(outbox, "http") == [blob(1)]
    assert waiting(outbox, "http") == []
    assert waiting(outbox, "mqtt") == [blob(1)]


def test_a_face_is_forgotten_when_its_last_sink_has_it(open_outbox):
    outbox = open_outbox(("http", "mqtt"), quota=100)
    outbox.put(blob(1, size=100))
    waiting(outbox, "http")
    assert not outbox.put(blob(2, size=100)).kept
    waiting(outbox, "mqtt")
    assert outbox.put(blob(3, size=100)) == Placed(kept=True, evicted=0)


def test_an_outbox_that_serves_no_sink_takes_no_face(open_outbox):
    with pytest.raises(OutboxError, match="no sink"):
        open_outbox(()).put(blob(1))


def test_a_postponed_face_waits_and_lets_others_pass(open_outbox, hands):
    outbox = open_outbox()
    outbox.put(blob(1))
    outbox.put(blob(2))
    outbox.postpone(outbox.due("http").face_id, "http", 30.0)
    assert waiting(outbox) == [blob(2)]
    assert outbox.seconds_until_due("http") == 30.0
    hands.monotonic += 30
    queued = outbox.due("http")
    assert (queued.delivery, queued.attempts) == (blob(1), 1)


def test_an_empty_queue_is_never_due(open_outbox):
    assert open_outbox().seconds_until_due("http") is None


@pytest.mark.parametrize("jump", [-10 * YEARS, 10 * YEARS], ids=["back", "forward"])
def test_a_wall_clock_that_jumps_ten_years_neither_stalls_nor_expires(open_outbox, hands, jump):
    outbox = open_outbox()
    outbox.put(blob(1))
    outbox.postpone(outbox.due("http").face_id, "http", 30.0)
    hands.wall += jump
    hands.monotonic += 31
    assert outbox.due("http").delivery == blob(1)


@pytest.mark.parametrize("jump", [-10 * YEARS, 10 * YEARS], ids=["back", "forward"])
def test_a_clock_that_jumps_between_two_starts_neither_stalls_nor_expires(open_outbox, hands, jump):
    outbox = open_outbox()
    outbox.put(blob(1))
    outbox.postpone(outbox.due("http").face_id, "http", 30.0)
    outbox.close()
    hands.wall, hands.monotonic = hands.wall + jump, 3.0
    later = open_outbox()
    assert later.seconds_until_due("http") <= 30.0
    hands.monotonic += 31
    assert later.due("http").delivery == blob(1)


def test_a_refused_face_is_a_dead_letter_until_it_is_put_back(open_outbox):
    outbox = open_outbox()
    outbox.put(blob(1))
    outbox.refuse(outbox.due("http").face_id, "http", "401: token refused")
    assert outbox.due("http") is None
    assert row(outbox).dead == 1
    assert outbox.requeue("http") == 1
    assert waiting(outbox) == [blob(1)]


def test_a_sink_waits_for_the_first_of_its_own_faces(open_outbox):
    outbox = open_outbox(("http", "mqtt"))
    outbox.put(blob(1))
    outbox.put(blob(2))
    for face_id, delay_s in ((1, 60.0), (2, 30.0)):
        outbox.postpone(face_id, "http", delay_s)
    assert outbox.seconds_until_due("http") == 30.0
    assert outbox.seconds_until_due("mqtt") == 0.0
    outbox.refuse(2, "http", "no")
    assert outbox.seconds_until_due("http") == 60.0


def test_only_the_dead_letters_of_the_sink_are_put_back(open_outbox):
    outbox = open_outbox(("http", "mqtt"))
    outbox.put(blob(1))
    outbox.put(blob(2))
    for face_id, sink in ((1, "http"), (2, "mqtt")):
        outbox.refuse(face_id, sink, "no")
    assert outbox.requeue("http") == 1
    assert [row(outbox, sink).dead for sink in ("http", "mqtt")] == [0, 1]


def test_each_attempt_of_a_face_is_counted(open_outbox, hands):
    outbox = open_outbox()
    outbox.put(blob(1))
    assert outbox.due("http").attempts == 0
    outbox.postpone(1, "http", 1.0)
    hands.monotonic += 1
    assert outbox.due("http").attempts == 1
    outbox.refuse(1, "http", "no")
    outbox.requeue("http")
    assert outbox.due("http").attempts == 2


def test_a_dead_letter_that_had_to_wait_is_due_at_once_when_it_is_put_back(open_outbox):
    outbox = open_outbox()
    outbox.put(blob(1))
    face_id = outbox.due("http").face_id
    outbox.postpone(face_id, "http", 3600.0)
    outbox.refuse(face_id, "http", "401: token refused")
    outbox.requeue("http")
    assert outbox.seconds_until_due("http") == 0
    assert outbox.due("http").delivery == blob(1)


@pytest.mark.parametrize(
    "command",
    [
        lambda outbox: outbox.purge(365 * DAY, dry_run=False),
        lambda outbox: outbox.purge(365 * DAY, dry_run=True),
        lambda outbox: outbox.requeue("http"),
    ],
    ids=["purge", "purge --dry-run", "requeue"],
)
def test_a_second_process_with_a_wrong_wall_clock_ages_no_face(open_outbox, hands, command):
    open_outbox(ttl=7 * DAY).put(blob(1))
    hands.wall += 300 * DAY
    second = open_outbox(ttl=7 * DAY)
    hands.wall -= 300 * DAY
    command(second)
    second.close()
    assert waiting(open_outbox(ttl=7 * DAY)) == [blob(1)]


def test_a_purge_of_a_second_process_with_a_wrong_wall_clock_ages_no_other_face(open_outbox, hands):
    first = open_outbox(ttl=7 * DAY)
    for number in (1, 2):
        first.put(blob(number))
    hands.wall += 300 * DAY
    second = open_outbox(ttl=7 * DAY)
    hands.wall -= 300 * DAY
    assert len(second.purge(0.0, dry_run=False, only={2})) == 1
    second.close()
    assert waiting(open_outbox(ttl=7 * DAY)) == [blob(1)]


def test_old_faces_and_old_dead_letters_expire(open_outbox, hands):
    outbox = open_outbox(ttl=7 * DAY)
    outbox.put(blob(1))
    outbox.put(blob(2))
    outbox.refuse(outbox.due("http").face_id, "http", "no")
    hands.monotonic += 8 * DAY
    outbox.put(blob(3))
    assert outbox.due("http").delivery == blob(3)
    assert row(outbox).expired == 2


def test_old_faces_are_looked_for_once_a_minute(open_outbox, hands):
    outbox = open_outbox(ttl=100.0)
    outbox.put(blob(1))
    hands.monotonic += 50
    assert outbox.due("http") is not None
    hands.monotonic += EXPIRE_EVERY_S - 0.1
    assert outbox.due("http") is not None
    hands.monotonic += 0.1
    assert outbox.due("http") is None


def test_days_switched_off_count_towards_the_age(open_outbox, hands):
    outbox = open_outbox(ttl=7 * DAY)
    outbox.put(blob(1))
    outbox.close()
    hands.wall += 8 * DAY
    assert open_outbox().due("http") is None


def test_a_full_outbox_drops_the_lowest_quality_first(open_outbox):
    outbox = open_outbox(quota=300)
    for number, quality in enumerate((0.5, 0.2, 0.9)):
        outbox.put(blob(number, quality=quality))
    assert outbox.put(blob(3, quality=0.6)) == Placed(kept=True, evicted=1)
    assert [delivery.quality for delivery in waiting(outbox)] == [0.5, 0.9, 0.6]


def test_a_full_outbox_refuses_a_face_no_better_than_all_it_has(open_outbox):
    outbox = open_outbox(quota=200)
    for number in (1, 2):
        outbox.put(blob(number, quality=0.5))
    assert outbox.put(blob(3, quality=0.5)) == Placed(kept=False, evicted=0)
    assert waiting(outbox) == [blob(1), blob(2)]


def test_no_face_gives_way_to_one_that_would_not_fit_anyway(open_outbox):
    outbox = open_outbox(quota=200)
    outbox.put(blob(1, quality=0.1))
    assert not outbox.put(blob(2, size=201, quality=0.9)).kept
    assert waiting(outbox) == [blob(1, quality=0.1)]


def test_dead_letters_give_way_before_any_face_that_waits(open_outbox):
    outbox = open_outbox(quota=200)
    outbox.put(blob(1, quality=0.9))
    outbox.refuse(outbox.due("http").face_id, "http", "no")
    outbox.put(blob(2, quality=0.1))
    assert outbox.put(blob(3, quality=0.05)).evicted == 1
    assert [delivery.quality for delivery in waiting(outbox)] == [0.1, 0.05]


def test_a_smaller_quota_takes_effect_when_the_outbox_is_opened(open_outbox):
    outbox = open_outbox(quota=300)
    for number, quality in enumerate((0.5, 0.2, 0.9)):
        outbox.put(blob(number, quality=quality))
    outbox.close()
    assert [delivery.quality for delivery in waiting(open_outbox(quota=200))] == [0.5, 0.9]


def test_purge_shows_first_and_deletes_second(open_outbox, hands):
    outbox = open_outbox()
    outbox.put(blob(1))
    hands.monotonic += 2 * DAY
    outbox.put(blob(2))
    shown = outbox.purge(DAY, dry_run=True)
    assert [face.key for face in shown] == [blob(1).key]
    assert row(outbox).waiting == 2
    assert outbox.purge(DAY, dry_run=False) == shown
    assert row(outbox).purged == 1
    assert waiting(outbox) == [blob(2)]


def test_purged_and_delivered_bytes_are_not_left_on_the_disk(open_outbox, tmp_path):
    outbox = open_outbox(quota=10**6)
    for number in (1, 2):
        outbox.put(blob(number, size=100_000))
    outbox.delivered(outbox.due("http").face_id, "http")
    outbox.purge(0.0, dry_run=False)
    left = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert b"\x01" * 64 not in left
    assert b"\x02" * 64 not in left


def test_what_waits_can_be_given_up_and_takes_no_room_then(open_outbox):
    outbox = open_outbox(("http", "mqtt"))
    for number in range(3):
        outbox.put(blob(number))
    for sink in ("http", "mqtt"):
        outbox.refuse(1, sink, "no")
    assert outbox.lose() == 2
    assert outbox.stock() == Stock(faces=1, bytes=100)
    assert [row(outbox, sink).lost for sink in ("http", "mqtt")] == [2, 2]


def test_a_face_that_was_moved_elsewhere_was_never_here(open_outbox):
    outbox = open_outbox(("http", "mqtt"))
    for number in range(2):
        outbox.put(blob(number))
    outbox.forget(1)
    assert [row(outbox, sink).queued for sink in ("http", "mqtt")] == [1, 1]
    assert outbox.stock() == Stock(faces=1, bytes=100)
    assert waiting(outbox) == [blob(1)]


def test_the_books_of_a_sink_begin_at_nothing(open_outbox, hands):
    outbox = open_outbox()
    assert outbox.ledger() == []
    outbox.put(blob(1))
    hands.monotonic += 40
    assert outbox.ledger() == [replace(NOTHING, queued=1, waiting=1, oldest_s=40.0)]
    outbox.count([("elsewhere", "delivered", 3)])
    assert outbox.ledger()[0] == replace(NOTHING, sink="elsewhere", delivered=3)


def test_the_file_is_readable_by_its_owner_only(open_outbox, tmp_path):
    open_outbox().put(blob(1))
    files = list((tmp_path / "state").iterdir())
    assert len(files) == 5  # the file, its write-ahead log, its index, what is owed, a reserve
    assert {path.stat().st_mode & 0o077 for path in files} == {0}


def test_a_closed_outbox_says_so(open_outbox):
    outbox = open_outbox()
    outbox.close()
    outbox.close()
    with pytest.raises(OutboxError, match="closed"):
        outbox.put(blob(1))


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 50)), max_size=12), st.integers(-9, 200)
)
def test_room_is_made_by_the_shortest_prefix_that_frees_enough(candidates, excess):
    sizes: dict[int, int] = {}
    prefixes: list[dict[int, int]] = [{}]
    for face_id, size in candidates:
        sizes.setdefault(face_id, size)
        prefixes.append(dict(sizes))
    enough = [sorted(prefix) for prefix in prefixes if sum(prefix.values()) >= excess]
    assert room_for(candidates, excess) == (enough[0] if enough else None)


class AccountsOfTheOutbox(RuleBasedStateMachine):
    """Whatever happens in whatever order, each face is somewhere the ledger says."""

    def __init__(self):
        super().__init__()
        self.hands = Hands()
        chosen = OutboxSettings(path=IN_MEMORY, quota=1000, ttl=100.0)
        self.outbox = Outbox(chosen, ("http", "mqtt"), self.hands.clocks())
        self.number = 0

    @rule(size=st.integers(2, 600), quality=st.floats(0, 1))
    def put(self, size, quality):
        self.number += 1
        self.outbox.put(blob(self.number, size, quality))

    @rule(sink=st.sampled_from(["http", "mqtt"]), outcome=st.sampled_from("drp"))
    def attempt(self, sink, outcome):
        queued = self.outbox.due(sink)
        if queued is None:
            return
        if outcome == "d":
            self.outbox.delivered(queued.face_id, sink)
        elif outcome == "r":
            self.outbox.refuse(queued.face_id, sink, "refused")
        else:
            self.outbox.postpone(queued.face_id, sink, 5.0)

    @rule(seconds=st.floats(0, 150))
    def time_passes(self, seconds):
        self.hands.monotonic += seconds

    @rule(years=st.integers(-30, 30))
    def the_wall_clock_jumps(self, years):
        self.hands.wall += years * YEARS

    @rule(age=st.floats(0, 100))
    def purge(self, age):
        self.outbox.purge(age, dry_run=False)

    @rule()
    def requeue(self):
        self.outbox.requeue("http")

    @precondition(lambda self: self.number > 0)
    @invariant()
    def every_face_is_explained(self):
        rows = self.outbox.ledger()
        assert [row.queued for row in rows] == [self.number, self.number]
        assert [row.unexplained for row in rows] == [0, 0]

    @invariant()
    def the_quota_holds(self):
        assert sum(stored.bytes for stored in self.outbox.purge(0.0, dry_run=True)) <= 1000

    def teardown(self):
        self.outbox.close()


TestAccountsOfTheOutbox = AccountsOfTheOutbox.TestCase
TestAccountsOfTheOutbox.settings = settings(max_examples=60, stateful_step_count=30)
