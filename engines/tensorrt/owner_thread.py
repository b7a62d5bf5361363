"""The one thread that owns CUDA."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class OwnerThread:
    """
    Does what it is given, one after the other, in one thread.

    A daemon thread and not an executor's: one stuck in a dead driver must not keep the process
    from ending.
    """

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]
        self._work = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="cuda", daemon=True).start()

    def do(self, work: Callable[[], T], seconds: float) -> T:
        """
        Return what the work returns; raise what it raises.

        Raises:
            TimeoutError: It did not end in time, and goes on.
        """
        future: Future[T] = Future()
        self._work.put((work, future))
        return future.result(seconds)

    def end(self) -> None:
        """Let the thread end after what it was given."""
        self._work.put(None)

    def _serve(self) -> None:
        while (item := self._work.get()) is not None:
            work, future = item
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 -- it belongs to the caller
                future.set_exception(error)
            # Until the next item comes, nothing here may keep the last one's buffers alive.
            del item, work, future
