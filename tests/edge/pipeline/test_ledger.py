from collections import Counter

import pytest

from edge.pipeline.ledger import Counts, Ledger

BALANCED = {
    "replaced": 50,
    "late": 3,
    "unscheduled": 5,
    "failed": 1,
    "looked_at": 40,
    "faces": 30,
    "discarded": Counter(low_quality=20, not_best=5),
    "forwarded": 4,
    "accepted": 2,
    "evicted": 1,
    "lost": 1,
}


def ledger(**changed):
    return Ledger("door", frames=100, counts=Counts(**{**BALANCED, **changed}), held=1)


def test_books_that_add_up_balance():
    assert list(ledger().imbalances()) == []
    assert ledger().waiting == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"looked_at": 37}, "door: 4 of 100 frames went nowhere"),
        ({"looked_at": 42}, "door: -1 of 100 frames went nowhere"),
        ({"followed": 3}, "door: -2 of 100 frames went nowhere"),
        ({"rested": 4}, "door: -3 of 100 frames went nowhere"),
        ({"faces": 31}, "door: 1 of 31 faces went nowhere"),
        ({"accepted": 1}, "door: 1 of 4 forwarded faces went nowhere"),
    ],
)
def test_what_is_missing_is_named(changed, words):
    assert list(ledger(**changed).imbalances()) == [words]


def test_figures_hold_each_reason_by_name():
    assert ledger().telemetry()["discarded_low_quality"] == 20
