"""Hand-over of values from one thread to another through a slot for one value."""

from collections.abc import Callable
from threading import Condition
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Slot(Generic[Value]):
    """
    Holds at most one value.

    `put_latest` is for live sources: a value nobody took is replaced and counted, so the taker
    always gets the newest. `put_waiting` is for files: nothing is lost, the giver waits instead.
    """

    def __init__(self, arrived: Callable[[], None] | None = None) -> None:
        """
        Start empty and open.

        Args:
            arrived: Called in the giver's thread after each value, and after closing.
        """
        self._changed = Condition()
        self._arrived = arrived or (lambda: None)
        self._held: list[Value] = []
        self._closed = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many values were replaced before anybody took them."""
        return self._dropped

    @property
    def closed(self) -> bool:
        """Whether no value will ever arrive again."""
        return self._closed

    def put_latest(self, value: Value) -> bool:
        """Replace what is held; return False, and keep nothing, when the slot is closed."""
        with self._changed:
            if not self._closed:
                self._dropped += len(self._held)
                self._held = [value]
                self._changed.notify_all()
            open_still = not self._closed
        self._arrived()
        return open_still

    def put_waiting(self, value: Value) -> bool:
        """Wait until the slot is free; return False, and keep nothing, when it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._held)
            if not self._closed:
                self._held = [value]
                self._changed.notify_all()
            open_still = not self._closed
        self._arrived()
        return open_still

    def take(self, is_wanted: Callable[[Value], bool] = lambda _: True) -> Value | None:
        """Return the value held, None when there is none that is wanted; never waits."""
        with self._changed:
            return self._taken() if self._held and is_wanted(self._held[0]) else None

    def take_waiting(self, timeout_s: float | None = None) -> Value | None:
        """Wait for a value; None after the timeout, or when the slot is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._held), timeout_s)
            return self._taken()

    def _taken(self) -> Value | None:
        if not self._held:
            return None
        self._changed.notify_all()
        return self._held.pop()

    def close(self) -> None:
        """Refuse further values; one that is held can still be taken. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._arrived()
