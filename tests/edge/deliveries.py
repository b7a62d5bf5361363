"""Small deliveries that are told apart by a number, and a sink that takes them as it is told."""

import hashlib
import queue
import threading

from edge.delivery.encode import to_delivery
from edge.delivery.outbox import Outbox
from edge.samples import Delivery
from tests.edge.assessments import Given, assessment
from tests.edge.mqtt_broker import PATIENCE_S

__all__ = ["PATIENCE_S", "ScriptedSink", "Stuck", "blob", "face", "keys", "waiting"]


def blob(number: int, size: int = 100, quality: float = 0.5) -> Delivery:
    """Bytes for the outbox, which looks at none of them."""
    key = hashlib.sha256(str(number).encode()).hexdigest()[:32]
    return Delivery(key, b"{}", bytes([number % 256]) * (size - 2), "image/png", quality)


def face(number: int, shift: float = 0.25) -> Delivery:
    """A whole record and a real PNG."""
    return to_delivery(assessment(Given(source=f"{number}.jpg", seed=number, shift=shift)))


def waiting(outbox: Outbox, sink: str = "http") -> list[Delivery]:
    """Take everything that is due out of a queue, in order."""
    taken = []
    while (queued := outbox.due(sink)) is not None:
        taken.append(queued.delivery)
        outbox.delivered(queued.face_id, sink)
    return taken


def keys(*numbers: int) -> list[str]:
    """Return the keys of blobs."""
    return [blob(number).key for number in numbers]


class ScriptedSink:
    """Raises what the script says, one entry for each attempt, and then takes every face."""

    def __init__(self, *script):
        self.script = list(script)
        self.taken: queue.Queue[str] = queue.Queue()
        self.attempts: list[str] = []
        self.moments: queue.Queue[int] = queue.Queue()
        self.closed = threading.Event()

    def send(self, delivery):
        self.attempts.append(delivery.key)
        if self.script:
            error = self.script.pop(0)
            if error is not None:
                raise error
        self.taken.put(delivery.key)

    def idle(self):
        self.moments.put(len(self.attempts))

    def close(self):
        self.closed.set()

    def keys(self, count):
        return [self.taken.get(timeout=PATIENCE_S) for _ in range(count)]


class Stuck(ScriptedSink):
    """A sink that keeps a face in its hands until it is told to return."""

    def __init__(self):
        super().__init__()
        self.going, self.returns = threading.Event(), threading.Event()

    def send(self, delivery):
        self.going.set()
        self.returns.wait(PATIENCE_S)
        super().send(delivery)
