"""Three receivers who write down what they took, and the account between them."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from random import Random
from signal import SIGCONT, SIGSTOP
from threading import Event

from tests.edge import face_server as http
from tests.edge.mqtt_broker import Broker, Heard

Taken = list[tuple[str, str]]
"""Key and digest of the face image, for each time that a face was taken."""


def not_taken(behaviour: http.Behaviour) -> http.Behaviour:
    """Return the behaviour of a server that keeps nothing of the request."""

    def behave(exchange: http.Exchange) -> None:
        exchange.state.posted.pop()
        behaviour(exchange)

    return behave


REFUSALS = (
    not_taken(http.answers(503)),
    not_taken(http.hangs_up),
    http.hangs_up,  # has taken the face, and is asked again all the same
    http.cuts_its_answer,  # said 200 before: has taken it, and is not asked again
)


@dataclass(frozen=True)
class Receivers:
    """What came, in files of their own: `taken-http`, `taken-mqtt`, `faces/`; and `witness`."""

    folder: Path
    server: http.FaceServer
    broker: Broker
    heard: "Queue[Heard]"

    def misbehave(self, chance: Random) -> None:
        """Refuse some of the next faces; let the broker hang, one time in five."""
        self.server.behaviours.extend(chance.choices(REFUSALS, k=chance.randint(0, 8)))
        if chance.random() < 0.2:
            self.broker.send_signal(SIGSTOP)

    def behave(self) -> None:
        """Take everything, and write down what was taken."""
        self.broker.send_signal(SIGCONT)
        self.server.behaviours.clear()
        self._write("http", self._posted())
        self._write("mqtt", self._messages())

    def _posted(self) -> Iterator[tuple[str, bytes]]:
        while self.server.posted:
            posted = self.server.posted.pop(0)
            if len(posted.body) < int(posted.headers["content-length"]):
                continue  # its sender was killed over it
            yield posted.headers["idempotency-key"], posted.part("face_image")[1]

    def _messages(self) -> Iterator[tuple[str, bytes]]:
        while not self.heard.empty():
            record = json.loads(self.heard.get().payload)
            yield record["key"], base64.b64decode(record["face_image"]["base64"])

    def _write(self, name: str, faces: Iterator[tuple[str, bytes]]) -> None:
        with (self.folder / f"taken-{name}").open("a") as file:
            for key, image in faces:
                file.write(f"{key} {hashlib.sha256(image).hexdigest()}\n")

    def counts(self) -> dict[str, int]:
        return {name: len({key for key, _ in taken}) for name, taken in self.taken().items()}

    def taken(self) -> dict[str, Taken]:
        return {
            "http": lines(self.folder / "taken-http"),
            "mqtt": lines(self.folder / "taken-mqtt"),
            "directory": list(stored(self.folder / "faces")),
        }

    def account(self) -> dict[str, object]:
        """Compare what each receiver took with what anybody has seen."""
        Event().wait(2)  # the broker has all, and is passing it on
        self.behave()
        taken = self.taken()
        witnessed = {key for key, *_ in lines(self.folder / "witness")}
        return {"witnessed": len(witnessed)} | compared(witnessed, taken)


def lines(path: Path) -> Taken:
    """Return the words of each line."""
    text = path.read_text() if path.exists() else ""
    return [tuple(line.split()) for line in text.splitlines()]  # type: ignore[misc]


def stored(folder: Path) -> Iterator[tuple[str, str]]:
    for sidecar in folder.glob("*.json"):
        image = sidecar.with_suffix(".png").read_bytes()
        yield json.loads(sidecar.read_text())["key"], hashlib.sha256(image).hexdigest()


def compared(witnessed: set[str], taken: dict[str, Taken]) -> dict[str, object]:
    """
    Return what is missing where, what came more than once, and what came in two versions.

    Args:
        witnessed: Keys that the gate once had.
        taken: By name of the receiver.
    """
    keys = {name: Counter(key for key, _ in faces) for name, faces in taken.items()}
    everything = witnessed.union(*keys.values())
    versions = {face for faces in taken.values() for face in faces}
    missing = {name: sorted(everything - counted.keys()) for name, counted in keys.items()}
    return {
        "faces": len(everything),
        "taken": {name: len(counted) for name, counted in keys.items()},
        "lost": {name: absent for name, absent in missing.items() if absent},
        "sent again": {name: counted.total() - len(counted) for name, counted in keys.items()},
        "changed": len(versions) - len({key for key, _ in versions}),
    }
