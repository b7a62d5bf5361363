"""TensorRT's nested build phases as nested progress bars, and the way to cancel a build."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.progress import Progress, TaskID


class PhaseBars:
    """One bar for each phase under way, indented below its parent; calls from any thread."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._title = title
        self._open: dict[str, list[tuple[TaskID, int]]] = {}
        self._lock = threading.Lock()

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        """Show a phase of so many steps; several may have the same name at once."""
        with self._lock:
            above = self._open.get(parent or "")
            depth = above[-1][1] + 1 if above else 0
            label = f"{'  ' * depth}{phase}" if depth else f"{self._title}: {phase}"
            task = self._progress.add_task(label, total=steps)
            self._open.setdefault(phase, []).append((task, depth))

    def step(self, phase: str, step: int) -> None:
        """Move the newest bar of this phase; steps count from 0."""
        with self._lock:
            tasks = self._open.get(phase)
            if tasks:
                self._progress.update(tasks[-1][0], completed=step + 1)

    def finish(self, phase: str) -> None:
        """Take the newest bar of this phase away."""
        with self._lock:
            tasks = self._open.get(phase)
            if tasks:
                self._progress.remove_task(tasks.pop()[0])
                if not tasks:
                    del self._open[phase]

    def close(self) -> None:
        """Take away what a cancelled build left open."""
        with self._lock:
            for tasks in self._open.values():
                for task, _ in tasks:
                    self._progress.remove_task(task)
            self._open.clear()


def progress_monitor(trt: Any, bars: PhaseBars, cancelled: threading.Event) -> Any:
    """Return a TensorRT progress monitor that draws `bars` and stops the build when cancelled."""

    class _Monitor(trt.IProgressMonitor):  # type: ignore[misc]  # known at run time
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            bars.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            bars.step(phase_name, step)
            return not cancelled.is_set()

        def phase_finish(self, phase_name: str) -> None:
            bars.finish(phase_name)

    return _Monitor()


@contextmanager
def cancel_on_interrupt(cancelled: threading.Event, asked: bool) -> Iterator[None]:
    """
    Let Ctrl-C set the event instead of raising inside a callback from C++.

    Args:
        cancelled: Set on SIGINT.
        asked: Whether the library asks back (it has progress monitors). One that does not (8.x)
            would ignore the event for minutes, so there Ctrl-C ends the process at once; nothing
            is on disk yet that it could leave behind.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def remember(_signal: int, _frame: FrameType | None) -> None:
        cancelled.set()

    before = signal.signal(signal.SIGINT, remember if asked else signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
