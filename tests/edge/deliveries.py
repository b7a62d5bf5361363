"""Small deliveries that are told apart by a number."""

import hashlib

from edge.delivery.encode import to_delivery
from edge.delivery.outbox import Outbox
from edge.samples import Delivery
from tests.edge.assessments import Given, assessment


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
