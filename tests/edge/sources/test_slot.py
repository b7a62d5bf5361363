from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sources.slot import Slot

PATIENCE_S = 30


@given(st.lists(st.booleans()))
def test_the_newest_value_is_taken_and_every_value_is_taken_held_or_dropped(puts):
    slot: Slot[int] = Slot()
    put, taken = 0, []
    for is_put in puts:
        if is_put:
            slot.put_latest(put)
            put += 1
        elif (value := slot.take()) is not None:
            assert value == put - 1
            taken.append(value)
    held = 0 if slot.take() is None else 1
    assert put == len(taken) + slot.dropped + held
    assert taken == sorted(set(taken))


def test_a_waiting_giver_loses_nothing():
    slot: Slot[int] = Slot()
    giver = Thread(target=lambda: [slot.put_waiting(value) for value in range(200)])
    giver.start()
    assert [slot.take_waiting(PATIENCE_S) for _ in range(200)] == list(range(200))
    giver.join(PATIENCE_S)
    assert slot.dropped == 0


def test_closing_frees_a_waiting_giver_and_keeps_what_is_held():
    slot: Slot[int] = Slot()
    slot.put_waiting(1)
    accepted: list[bool] = []
    giver = Thread(target=lambda: accepted.append(slot.put_waiting(2)))
    giver.start()
    slot.close()
    giver.join(PATIENCE_S)
    assert accepted == [False]
    assert [slot.take_waiting(), slot.take_waiting()] == [1, None]


def test_closing_frees_a_waiting_taker():
    slot: Slot[int] = Slot()
    taken: list[int | None] = []
    taker = Thread(target=lambda: taken.append(slot.take_waiting()))
    taker.start()
    slot.close()
    taker.join(PATIENCE_S)
    assert taken == [None]


@pytest.mark.parametrize("put", ["put_latest", "put_waiting"])
def test_a_closed_slot_takes_nothing(put):
    slot: Slot[int] = Slot()
    slot.close()
    assert getattr(slot, put)(1) is False
    assert slot.take() is None


def test_arrivals_and_closing_are_told():
    told: list[str] = []
    slot: Slot[int] = Slot(lambda: told.append("arrived"))
    slot.put_latest(1)
    slot.close()
    assert told == ["arrived", "arrived"]
    assert slot.closed
