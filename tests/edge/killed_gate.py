"""
A gate that is killed again and again, and the account of its faces.

    python -m tests.edge.killed_gate FOLDER LIVES SEED

Each life is a forked process that accepts faces and delivers them to two sinks, until kill -9 hits
it at a random instant. The last one may finish. Prints the account as JSON.
"""

import hashlib
import json
import os
import random
import re
import select
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from edge.config.delivery import BackoffSettings, OutboxSettings
from edge.delivery.dispatcher import Dispatcher
from edge.errors import SinkError
from edge.samples import Delivery
from tests.edge.deliveries import blob

SINKS = ("http", "mqtt")
WHOLE = re.compile(r"[0-9a-f]{32} [0-9a-f]{64}")
LONGEST_LIFE_S = 0.02


def fingerprint(delivery: Delivery) -> str:
    return hashlib.sha256(delivery.record + delivery.face_image).hexdigest()


class Receiver:
    """Somebody else's computer: what it has written down survives us."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._chance = chance

    def send(self, delivery: Delivery) -> None:
        if self._chance.random() < 0.1:
            raise SinkError("one of ten attempts fails")
        # A kill may cut a write in two at a page border: the line end in front saves the next.
        os.write(self._file, f"\n{delivery.key} {fingerprint(delivery)}\n".encode())

    def idle(self) -> None:
        pass

    def close(self) -> None:
        os.close(self._file)


def dispatcher(folder: Path, chance: random.Random) -> Dispatcher:
    sinks = {name: Receiver(folder / name, chance) for name in SINKS}
    backoff = BackoffSettings(first=0.001, at_most=0.005)
    return Dispatcher(sinks, OutboxSettings(path=folder / "outbox.sqlite"), backoff)


def live(folder: Path, first: int, accepted: int, chance: random.Random) -> None:
    gate = dispatcher(folder, chance)
    gate.start()
    for number in range(first, first + 10_000):
        gate.accept(blob(number, size=chance.randint(10, 30_000)))
        os.write(accepted, b"%d\n" % number)


def killed_life(folder: Path, first: int, chance: random.Random) -> list[int]:
    """Return the numbers of the faces that were accepted before the kill."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        live(folder, first, writing, random.Random(first))
        os._exit(0)
    os.close(writing)
    if chance.random() < 0.7:  # the others may be killed while they open the outbox
        select.select([reading], [], [])
    select.select([], [], [], chance.uniform(0, LONGEST_LIFE_S))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as said:
        return [int(line) for line in said]


def account(folder: Path, lives: int, seed: int) -> dict[str, object]:
    chance = random.Random(seed)
    accepted: list[int] = []
    for life in range(lives):
        accepted += killed_life(folder, life * 10_000, chance)
    last = dispatcher(folder, random.Random(seed))
    last.start()
    while any(row.waiting for row in last.ledger()):
        select.select([], [], [], 0.02)
    rows = last.ledger()
    last.stop()
    return {
        "accepted": len(accepted),
        "lives that accepted": len({number // 10_000 for number in accepted}),
        "unexplained": [row.unexplained for row in rows],
        "lost": [len(wanted(accepted) - received(folder, sink).keys()) for sink in SINKS],
        "changed": sum(len(changed(folder, sink)) for sink in SINKS),
        "sent again": sum(
            sum(received(folder, sink).values()) - len(received(folder, sink)) for sink in SINKS
        ),
        "set aside": len(list(folder.glob("*.corrupt-*"))),
    }


def wanted(accepted: list[int]) -> set[str]:
    return {blob(number).key for number in accepted}


def lines(folder: Path, sink: str) -> Iterator[tuple[str, str]]:
    for line in (folder / sink).read_text().splitlines():
        if WHOLE.fullmatch(line):
            key, content = line.split()
            yield key, content


def received(folder: Path, sink: str) -> Counter[str]:
    return Counter(key for key, _ in lines(folder, sink))


def changed(folder: Path, sink: str) -> set[str]:
    """Return the keys that arrived with two different contents."""
    contents: dict[str, set[str]] = {}
    for key, content in lines(folder, sink):
        contents.setdefault(key, set()).add(content)
    return {key for key, seen in contents.items() if len(seen) > 1}


if __name__ == "__main__":
    json.dump(account(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])), sys.stdout)
