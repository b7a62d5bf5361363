"""What is known of a running source, and what decides how it is treated."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.backoff import jitter
from edge.sources.clock import WallClock
from edge.sources.health import PictureHealth, Trouble
from edge.sources.state import Announced, Availability, CameraState, Patience, State


@dataclass(frozen=True, slots=True)
class Limits:
    """How one source is treated."""

    is_live: bool = True
    """Frames not taken in time are dropped, and losses mended; a file waits, and ends."""
    open_stuck_s: float = 30.0
    """Give up a call that opens: three times the source's own timeout."""
    read_stuck_s: float = 15.0
    """Give up a call for the next frame: three times the source's own timeout."""
    stuck_limit: int = 3
    """With so many abandoned calls stuck at once the process must end."""
    frozen_after_s: float | None = None
    """Open anew when no new picture came for so long; None to only report it."""
    patience: Patience = field(default_factory=Patience)
    check_every_s: float = 0.25
    """How soon a stall is noticed."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A source at one moment."""

    name: str
    camera: CameraState
    announced: Announced
    """What the outside should be told; `availability` changes late on purpose."""
    picture: PictureHealth
    openings: int
    """How often it was opened; presentation times and tracks begin anew with each."""
    frames: int
    """Frames received from the source."""
    dropped: int
    """Frames replaced by newer ones before they were taken, or passed over before a look."""
    abandoned: int
    """Native calls given up, ever."""
    stuck: int
    """Native calls given up that have not returned."""
    exhausted: bool
    """Too many calls are stuck: the process must end with an error and be started again."""
    error: str | None
    """Why it was lost last, without credentials."""

    @property
    def state(self) -> State:
        """What the source is doing."""
        return self.camera.state

    @property
    def availability(self) -> Availability:
        """What was announced."""
        return self.announced.availability


def _nothing(_: SourceStatus) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a source calls; tests hand in their own."""

    on_change: Callable[[SourceStatus], None] = _nothing
    """
    Called for each new state, availability, size and trouble of the picture, in order, by one
    thread that watches the source: it must neither raise nor wait nor stop the source.
    """
    arrived: Callable[[], None] | None = None
    """Called after each frame that can be taken, and at the end."""
    monotonic: Callable[[], float] = time.monotonic
    wall: WallClock = field(default_factory=WallClock)
    chance: Callable[[], float] = jitter
    """Random numbers in [0, 1)."""


LOOK_AT: dict[Trouble, str] = {
    "black": "its picture has been black for a minute: is the lens covered, or the light off?",
    "damaged": (
        "picture damaged: left out up to the next key frame; is the network too slow for its bit "
        "rate? transport: tcp loses less than udp"
    ),
    "frozen": "its picture has been frozen for a minute: does the camera hang?",
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
        words += f", but {LOOK_AT[trouble]}"
    return words
