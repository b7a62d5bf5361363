"""An outbox of up to 100,000 waiting faces: what one more costs to take in and to give away."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from edge.config.delivery import OutboxSettings
from edge.delivery import outbox_ledger as books
from edge.delivery import outbox_tables as tables
from edge.delivery.clock import ClockReading
from edge.delivery.face_database import transaction
from edge.delivery.outbox import Outbox
from edge.delivery.outbox_file import open_file
from edge.samples import Delivery
from tests.bench.scale.points import Part, Point, Where, alone, milliseconds
from tests.edge.deliveries import blob

Value = TypeVar("Value")
SINKS = ("http", "directory")
BYTES = 3000
TIMES = 200


def _points(where: Where) -> Iterator[Point]:
    for rows in where.sizes or (0, 10_000, 100_000):
        path = where.folder / f"outbox-{rows}.sqlite"
        alone(_fill, path, rows)
        for series, spent in alone(_costs, path, rows).items():
            yield Point("outbox", series, rows, spent)


def _face(number: int) -> Delivery:
    return blob(number, BYTES, quality=0.3 + number * 7919 % 1000 / 2000)


def _settings(path: Path, faces: int) -> OutboxSettings:
    return OutboxSettings(path=path, quota=BYTES * faces, ttl=1e12)


def _fill(path: Path, rows: int) -> None:
    with closing(open_file(_settings(path, 1))) as database, transaction(database):
        now = ClockReading(0.0, 0.0)
        for number in range(rows):
            books.count(database, SINKS, "queued")
            tables.insert(database, _face(number), SINKS, now)


def _costs(path: Path, rows: int) -> dict[str, float]:
    """Return milliseconds by series."""
    costs: dict[str, float] = {}
    roomy = _settings(path, 2 * (rows + 2 * TIMES))
    opened: list[Outbox] = []
    opening = milliseconds(lambda: opened.append(Outbox(roomy, SINKS)))
    if rows:
        costs["open, for 1,000 rows"] = opening / rows * 1000
    with closing(opened[0]) as outbox:
        costs["accept a face"] = _each(outbox.put, map(_face, range(rows, rows + TIMES)))
        costs["deliver a face to one sink"] = _each(partial(_deliver, outbox), range(TIMES))
        if rows:
            tell = _each(partial(_tell, outbox), range(5))
            costs["ledger and stock, for 1,000 rows"] = tell / rows * 1000
        wait = _each(lambda _: outbox.waits_for("http"), range(TIMES))
        costs["is anything waiting?"] = wait
    full = _settings(path, max(rows, TIMES))
    with closing(Outbox(full, SINKS)) as outbox:
        newer = map(_face, range(rows + TIMES, rows + 2 * TIMES))
        costs["accept a face in a full outbox"] = _each(outbox.put, newer)
    return costs


def _deliver(outbox: Outbox, _: int) -> None:
    queued = outbox.due("http")
    assert queued is not None
    outbox.delivered(queued.face_id, "http")


def _tell(outbox: Outbox, _: int) -> None:
    outbox.ledger()
    outbox.stock()


def _each(function: Callable[[Value], object], values: Iterable[Value]) -> float:
    """Return the milliseconds of one call."""
    given = list(values)

    def all_of_them() -> None:
        for value in given:
            function(value)

    return milliseconds(all_of_them) / len(given)


PART = Part("outbox", "outbox, by faces waiting", "faces waiting", _points, is_wide=True)
