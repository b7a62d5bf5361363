"""
The parts of a long list, computed by the workers of a Dask cluster.

A worker that dies loses nothing: the scheduler gives its part to another one. The only module that
imports `distributed` (extra `cluster`).
"""

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from types import ModuleType
from typing import Any, TypeAlias

from edge.cluster.archive import Part
from edge.cluster.parquet import INSTALL
from edge.errors import ClusterError, UsageError

Work: TypeAlias = Callable[[Part], bytes]
"""Computes the results of one part on a worker, as the bytes of a Parquet file."""

CONNECT_S = 5.0
FIRST_WORKER_S = 30.0
LOOK_S = 0.5
"""How often Ctrl-C and the number of workers are looked at while nothing arrives."""
QUEUED = 2
"""Parts handed out for each thread of the workers: so none waits, and few are computed in vain."""


class Cluster:
    """A connection to a scheduler; made by `connected`."""

    def __init__(
        self, address: str, distributed: ModuleType, client: Any, interrupted: Event
    ) -> None:
        self.address = address
        self._distributed = distributed
        self._client = client
        self._interrupted = interrupted

    def threads(self) -> int:
        """Return how many parts are computed at once; 0 while there is no worker."""
        return sum(self._client.nthreads().values())

    def results(
        self, work: Work, parts: Sequence[Part], idle: Callable[[int], None]
    ) -> Iterator[tuple[Part, bytes | None]]:
        """
        Yield each part with its results as they come; None when it killed one worker after another.

        Args:
            work: A function that the workers can import, or a `partial` of one.
            parts: What to compute.
            idle: Called with the number of threads at work while nothing arrives.

        Raises:
            ClusterError: A worker differs from this machine, or the scheduler is gone.
            EdgeError, EnginesError: A worker's, as the same work raises on this machine.
            KeyboardInterrupt: Ctrl-C was pressed.
        """
        waiting = deque(parts)
        running: dict[Any, Part] = {}
        while waiting or running:
            if self._interrupted.is_set():
                raise KeyboardInterrupt
            room = max(1, QUEUED * self._asked(self.threads)) - len(running)
            for _ in range(min(room, len(waiting))):
                part = waiting.popleft()
                running[self._client.submit(work, part, pure=False)] = part
            for future in self._finished(list(running), idle):
                yield running.pop(future), self._result(future)

    def _finished(self, futures: Sequence[Any], idle: Callable[[int], None]) -> Sequence[Any]:
        try:
            found = self._distributed.wait(futures, LOOK_S, "FIRST_COMPLETED")
        except self._distributed.TimeoutError:
            idle(self._asked(self.threads))
            return ()
        except self._distributed.CancelledError:
            raise self._gone() from None
        return list(found.done)

    def _result(self, future: Any) -> bytes | None:
        error = self._asked(future.exception)
        if error is None:
            return bytes(self._asked(future.result))
        if isinstance(error, self._distributed.KilledWorker):
            return None
        if isinstance(error, self._distributed.CancelledError):
            raise self._gone()
        if isinstance(error, (ImportError, AttributeError)):
            raise ClusterError(
                f"a worker or the scheduler cannot load this release's code ({error}): install the "
                "same edge-gate[cluster] on all of them"
            ) from error
        raise error

    def _asked(self, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except (self._distributed.CancelledError, OSError):  # of any kind: the connection broke
            raise self._gone() from None

    def _gone(self) -> ClusterError:
        return ClusterError(
            f"{self.address}: the scheduler is gone; start it and its workers, then run the same "
            "command again: it goes on from here"
        )


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """
    Yield a connection to a cluster with at least one worker; parts still running end with it.

    Args:
        address: tcp://HOST:PORT or tls://HOST:PORT of the scheduler.

    Raises:
        UsageError: The extra `cluster` is not installed; the message says how to.
        ClusterError: There is no scheduler, or no worker.
    """
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=CONNECT_S)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"{address}: no scheduler answers ({error}); start one with: dask scheduler"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, FIRST_WORKER_S)
        except distributed.TimeoutError as error:
            raise ClusterError(
                f"{address} has no worker; start some with: dask worker {address} --nthreads 1"
            ) from error
        with _noted_interrupt() as interrupted:
            yield Cluster(address, distributed, client, interrupted)


@contextmanager
def _noted_interrupt() -> Iterator[Event]:
    """
    Note the first Ctrl-C instead of raising it anywhere; the second one raises as usual.

    An exception between two lines of the library that hold a lock would leave it locked for ever.
    """
    noted, before = Event(), signal.getsignal(signal.SIGINT)

    def note(*_: object) -> None:
        noted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


def _distributed() -> ModuleType:
    try:
        import distributed  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(INSTALL) from error
    return distributed
