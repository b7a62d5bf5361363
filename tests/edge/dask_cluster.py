"""A real Dask scheduler with workers on loopback, each a process to be stopped and killed."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.__main__ import main
from tests.edge.mqtt_broker import free_port
from tests.edge.warm_process import WarmProcess

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = (
    "distributed.cli.dask_scheduler",
    "distributed.cli.dask_worker",
    "edge.cluster.measure",
    "edge.cluster.score",
    "edge.commands.score",
    "tests.edge.dask_cluster",
)
"""For `tests.edge.warm_process.imported`. Not PyArrow, which has threads of its own."""
PATIENCE_S = 240.0
"""Only a defect waits as long."""
ENVIRONMENT: dict[str, str] = dict(os.environ) | {
    "PYTHONPATH": str(ROOT),
    "OMP_NUM_THREADS": "1",
    "COLUMNS": "200",
}


QUIET = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
"""The port of the pages that Dask serves is taken even without its dashboard."""


class Spoken:
    """A process that said that it is ready."""

    def __init__(self, words: Sequence[str], ready: str, more: Mapping[str, str]) -> None:
        self.log: list[str] = []
        self._ready = threading.Event()
        self.process = WarmProcess(_dask, words, ROOT, ENVIRONMENT | dict(more), (1, 2))
        self._reader = threading.Thread(target=self._read, args=(ready,))
        self._reader.start()

    def _read(self, ready: str) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.log.append(line)
                if ready in line:
                    self._ready.set()

    def wait_until_ready(self) -> None:
        if not self._ready.wait(PATIENCE_S):
            pytest.fail(f"it did not start: {self.log}")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()


@dataclass
class DaskCluster:
    """One scheduler and its workers."""

    address: str
    scheduler: Spoken
    more: Mapping[str, str]
    workers: list[Spoken] = field(default_factory=list)

    def add_workers(self, count: int) -> None:
        """Start workers of one thread each, without the nanny that would start them again."""
        words = [self.address, "--nthreads", "1", "--no-nanny", *QUIET]
        added = [Spoken(["worker", *words], "Registered to", self.more) for _ in range(count)]
        self.workers += added
        for worker in added:
            worker.wait_until_ready()

    def end_workers(self) -> None:
        for worker in self.workers:
            worker.end()

    def kill_worker(self, number: int) -> None:
        self.workers.pop(number).end()


@contextmanager
def running(
    folder: Path, workers: int, more: Mapping[str, str] | None = None
) -> Iterator[DaskCluster]:
    port = free_port()
    words = ["scheduler", "--host", "127.0.0.1", "--port", str(port), *QUIET]
    with ExitStack() as stack:
        everywhere = {"DASK_TEMPORARY_DIRECTORY": str(folder), **(more or {})}
        scheduler = Spoken(words, "Scheduler at:", everywhere)
        stack.callback(scheduler.end)
        scheduler.wait_until_ready()
        cluster = DaskCluster(f"tcp://127.0.0.1:{port}", scheduler, everywhere)
        stack.callback(cluster.end_workers)
        cluster.add_workers(workers)
        yield cluster


def _dask() -> None:
    """Be `python -m dask`."""
    import dask.config  # noqa: PLC0415 -- in its own process only
    from dask.__main__ import main  # noqa: PLC0415

    dask.config.refresh()  # it was imported before the environment was this
    main()


def command(*words: object, program: Callable[[], object] = main) -> WarmProcess:
    """Start `edge-gate …`, or what is like it."""
    return WarmProcess(program, [*map(str, words)], ROOT, ENVIRONMENT, (1,), (2,))


def ended(process: WarmProcess) -> tuple[int, str, str]:
    """Wait for a command; return its exit code, what it wrote, and its messages."""
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.wait(), out, err


def wait_for_parts(folder: Path, count: int, writer: WarmProcess) -> None:
    """Return when so many parts are there and the command is still at work."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.05)):
        assert writer.poll() is None, writer.communicate()
        if len(list(folder.glob("part-*.parquet"))) >= count:
            return
        pause.wait(0.05)
    pytest.fail(f"{count} parts did not come into {folder}")


@contextmanager
def stopped(worker: Spoken) -> Iterator[None]:
    """Let a worker hold what it was given and do nothing."""
    worker.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        worker.process.send_signal(signal.SIGCONT)
