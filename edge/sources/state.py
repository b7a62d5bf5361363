"""
What state a camera is in, as a pure function of what happened and when.

    starting --frame--> streaming --no frame for a while--> stalled --frame--> streaming
    starting, streaming, stalled --failure--> lost --the wait is over--> starting
    any --not wanted any more--> disabled

No clock and no randomness in here: callers hand in monotonic seconds and chance.
"""

from dataclasses import dataclass, replace
from enum import Enum

from edge.backoff import backoff_delay


class State(str, Enum):
    """What a camera is doing."""

    STARTING = "starting"
    """Being opened, no frame yet."""
    STREAMING = "streaming"
    """Frames arrive."""
    STALLED = "stalled"
    """Open, but no frame for `Patience.stalled_after_s`."""
    LOST = "lost"
    """Closed after a failure; waiting before it is opened again."""
    DISABLED = "disabled"
    """Stopped, or a file read to its end."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, in seconds."""

    stalled_after_s: float = 2.0
    """Without a frame."""
    first_retry_s: float = 1.0
    """The longest wait after one failure; some cameras disconnect when reopened at once."""
    longest_retry_s: float = 60.0
    """The longest wait after any number of failures."""
    login_retry_s: float = 900.0
    """The longest wait after a refused login: cameras lock an account after a few of them."""
    settled_after_s: float = 30.0
    """Of streaming, after which earlier failures are forgotten."""
    announce_after_s: float = 10.0
    """Without frames, before the camera is announced as offline."""


@dataclass(frozen=True, slots=True)
class CameraState:
    """One camera at one moment; every method returns the next state."""

    state: State
    since_s: float
    """Monotonic seconds at which the state began."""
    failures: int = 0
    """In a row; 0 again once the camera has streamed for long enough."""
    retry_at_s: float | None = None
    """Monotonic seconds at which a lost camera may be opened; None in every other state."""

    def opening(self, now_s: float) -> "CameraState":
        """Return the state when the source is about to be opened."""
        return CameraState(State.STARTING, now_s, self.failures)

    def frame(self, now_s: float, patience: Patience) -> "CameraState":
        """Return the state after a frame; a frame that comes after the end changes nothing."""
        if self.state in (State.LOST, State.DISABLED):
            return self
        if self.state is not State.STREAMING:
            return CameraState(State.STREAMING, now_s, self.failures)
        settled = now_s - self.since_s >= patience.settled_after_s
        return replace(self, failures=0) if settled else self

    def quiet(self, now_s: float) -> "CameraState":
        """Return the state after `stalled_after_s` without a frame."""
        if self.state is not State.STREAMING:
            return self
        return CameraState(State.STALLED, now_s, self.failures)

    def failed(
        self, now_s: float, patience: Patience, chance: float, *, login_refused: bool = False
    ) -> "CameraState":
        """
        Return the state after the source could not be opened, ended or was given up.

        Args:
            now_s: Monotonic seconds.
            patience: How long to wait.
            chance: Random number in [0, 1), the jitter of the wait.
            login_refused: Time mends a power cut, and no login: the wait is minutes at once.
        """
        if self.state in (State.LOST, State.DISABLED):
            return self
        failures = self.failures + 1
        wait = backoff_delay(failures, patience.first_retry_s, patience.longest_retry_s, chance)
        if login_refused:
            wait = backoff_delay(1, patience.login_retry_s, patience.login_retry_s, chance)
        return CameraState(State.LOST, now_s, failures, now_s + wait)

    def due(self, now_s: float) -> "CameraState":
        """Return the state of a lost camera that is to be opened without a wait."""
        return replace(self, retry_at_s=now_s) if self.state is State.LOST else self

    def disabled(self, now_s: float) -> "CameraState":
        """Return the state of a camera that is not wanted any more."""
        return self if self.state is State.DISABLED else CameraState(State.DISABLED, now_s)


class Availability(str, Enum):
    """What the outside is told about a camera."""

    UNKNOWN = "unknown"
    """Nothing has been told yet."""
    ONLINE = "online"
    OFFLINE = "offline"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Announced:
    """
    The availability told last.

    Only going offline waits: a camera that blinks for less than `announce_after_s` is never
    announced, and one that flaps for hours makes at most one pair of events in that time.
    """

    availability: Availability = Availability.UNKNOWN
    down_since_s: float | None = None
    """Monotonic seconds since which frames are missing; None while they arrive."""

    def next(self, state: State, now_s: float, after_s: float) -> "Announced":
        """
        Return what is announced now; an event is due when `availability` differs.

        Args:
            state: Of the camera, now.
            now_s: Monotonic seconds.
            after_s: Seconds without frames before "offline".
        """
        if state is State.STREAMING:
            return Announced(Availability.ONLINE)
        if state is State.DISABLED:
            return Announced(Availability.DISABLED)
        down_since_s = now_s if self.down_since_s is None else self.down_since_s
        if now_s - down_since_s >= after_s:
            return Announced(Availability.OFFLINE, down_since_s)
        return Announced(self.availability, down_since_s)
