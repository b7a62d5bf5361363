"""What one configuration forwards of the same footage and another does not, and why. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge.footage.rerun import Rerun, Sent
from edge.samples import Box, Reason

SAME_FACE = 0.5
"""Least IoU of two boxes of one frame that are the same face; detectors may differ."""
NOT_FOUND = "no face found there"
NOT_SCORED = "not scored: a better face of its track was known already"
BEATEN = "good enough, but another of its track was sent, or one like it before"
NOTHING_SENT = "good enough, but mode observe sends nothing"


@dataclass(frozen=True, slots=True, eq=False)
class OneSided:
    """A face that only one of the two configurations forwards."""

    sent: Sent
    why_not: str
    """What the other one says of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Every forwarded face, in exactly one of three places."""

    only_first: Sequence[OneSided]
    only_second: Sequence[OneSided]
    both: Sequence[tuple[Sent, Sent]]


def compare(first: Rerun, second: Rerun) -> Comparison:
    """Return which faces both forward, and which only one of them; in the order of the frames."""
    left = list(second.sent)
    both: list[tuple[Sent, Sent]] = []
    only_first: list[OneSided] = []
    for sent in first.sent:
        same = _same(sent, left)
        if same is None:
            only_first.append(OneSided(sent, why_not(sent, second)))
        else:
            left.remove(same)
            both.append((sent, same))
    return Comparison(only_first, [OneSided(sent, why_not(sent, first)) for sent in left], both)


def why_not(sent: Sent, other: Rerun) -> str:
    """Return why the other configuration did not forward this face."""
    decided = other.decided.get((sent.frame.source, sent.frame.index), [])
    near = [each for each in decided if iou(each.box, sent.box) >= SAME_FACE]
    if not near:
        return NOT_SCORED if other.discarded[Reason.NOT_BEST] else NOT_FOUND
    face = max(near, key=lambda each: iou(each.box, sent.box))
    if not face.verdict.forward:
        return f"{face.verdict.reason.value}: {face.detail}"
    return NOTHING_SENT if other.discarded[Reason.OBSERVED] else BEATEN


def _same(sent: Sent, others: Sequence[Sent]) -> Sent | None:
    """Return the face of the same frame that overlaps most."""
    where = (sent.frame.source, sent.frame.index)
    near = [
        other
        for other in others
        if (other.frame.source, other.frame.index) == where
        and iou(other.box, sent.box) >= SAME_FACE
    ]
    return max(near, key=lambda other: iou(other.box, sent.box), default=None)


def iou(first: Box, second: Box) -> float:
    """Return intersection over union of two boxes; 0 to 1."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (first.width * first.height + second.width * second.height - common)
