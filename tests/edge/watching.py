"""Wait for what a source tells, however slow the machine is."""

import time
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Queue
from threading import Event

from edge.samples import Frame
from edge.sources.status import SourceStatus

PATIENCE_S = 60
"""Only a defect waits as long."""


class Told:
    """Collects what a source tells."""

    def __init__(self) -> None:
        self.statuses: list[SourceStatus] = []
        self._arrived: Queue[SourceStatus] = Queue()

    def __call__(self, status: SourceStatus) -> None:
        self._arrived.put(status)

    def until(self, wanted: Callable[[SourceStatus], bool]) -> SourceStatus:
        """Return the first status not seen before that is wanted."""
        while True:
            try:
                status = self._arrived.get(timeout=PATIENCE_S)
            except Empty:
                told = [(each.state.value, each.error) for each in self.statuses]
                raise AssertionError(f"never told; instead: {told}") from None
            self.statuses.append(status)
            if wanted(status):
                return status

    def until_state(self, state: str) -> SourceStatus:
        return self.until(lambda status: status.state == state)

    @property
    def states(self) -> list[str]:
        return [status.state.value for status in self.statuses]


class Scripted:
    """A frame source that does something else each time it is opened."""

    def __init__(self, *openings: Callable[[], Iterable[Frame]]) -> None:
        self._openings = iter(openings)

    def frames(self) -> Iterator[Frame]:
        yield from next(self._openings)()


def until(holds: Callable[[], object]) -> None:
    """Return when it holds; asked now and then."""
    pause, ends_at = Event(), time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends_at, "it never came to hold"
        pause.wait(0.02)
