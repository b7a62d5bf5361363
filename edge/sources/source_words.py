"""What happened to a source, in words for the log. Pure."""

from edge.sources.health import Trouble
from edge.sources.state import Availability, State
from edge.sources.status import SourceStatus

LOOK_AT: dict[Trouble, str] = {
    "black": "is the lens covered, or the light off?",
    "frozen": "does the camera hang?",
}


def trouble_of(status: SourceStatus) -> Trouble | None:
    """Return what is wrong with the picture of a source that gives frames."""
    return status.picture.trouble if status.state is State.STREAMING else None


def is_bad(status: SourceStatus) -> bool:
    """Tell whether somebody should look after the source."""
    return status.state in (State.LOST, State.STALLED) or trouble_of(status) is not None


def status_words(status: SourceStatus) -> str:
    """Return one line, e.g. "door is lost and announced as offline: …"."""
    trouble, words = trouble_of(status), f"{status.name} is {status.state.value}"
    if status.availability is Availability.OFFLINE:
        words += " and announced as offline"
    if status.state is State.LOST:
        words += f": {status.error}"
    if trouble is not None:
        words += f", but its picture has been {trouble} for a minute: {LOOK_AT[trouble]}"
    return words
