"""
A program, forked from a process that has imported it: most of its start are its imports.

The same code in a process of its own, with the same environment, signals and messages.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import active_children, forkserver, get_context, util
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TextIO

import pytest

USUAL = (
    "edge.commands.check",
    "edge.commands.run",
    "edge.service.supervisor",
    "tests.edge.warm_process",
)
"""What is imported before the forks."""
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload([*USUAL])
_SERVER: Any = forkserver._forkserver
# So that what it took counts as time of the tests: nobody else waits for the server. After the
# processes that a test has left running, which multiprocessing ends: the server stays for them.
util.Finalize(None, _SERVER._stop, exitpriority=-1)


@contextmanager
def imported(*modules: str) -> Iterator[None]:
    """Fork from a process that has imported these; no fork may go on over the ends of the block."""
    _fork_anew(modules)
    try:
        yield
    finally:
        _fork_anew(USUAL)


def _fork_anew(modules: Sequence[str]) -> None:
    for left in active_children():  # of a test that failed: the server would wait for it
        left.kill()
        left.join()
    _SERVER._stop()
    _CONTEXT.set_forkserver_preload([*modules])


class WarmProcess:
    """As much of `subprocess.Popen` as tests ask a program."""

    def __init__(
        self,
        program: Callable[[], object],
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *pipes: tuple[int, ...],
    ) -> None:
        """
        Begin.

        Args:
            program: A function of a module that ends as the `main` of a program does.
            words: In its `sys.argv`, after its name.
            folder: Where it works.
            environment: All of it.
            pipes: For each pipe the descriptors that write into it. `stdout` reads the one of 1,
                `stderr` the one of 2 alone; without a pipe they are ours.
        """
        ends = [_CONTEXT.Pipe(duplex=False) for _ in pipes]
        says = {
            number: end for (_, end), numbers in zip(ends, pipes, strict=True) for number in numbers
        }
        self._process = _CONTEXT.Process(
            target=_run, args=(program, list(words), folder, dict(environment), says), daemon=True
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OMP_NUM_THREADS", "1")  # what forks must have no other threads
            self._process.start()
        read = {numbers[0]: _text(*pair) for pair, numbers in zip(ends, pipes, strict=True)}
        self.stdout, self.stderr = read.get(1), read.get(2)

    @property
    def pid(self) -> int:
        """As the program names itself."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def sentinel(self) -> int:
        """What `multiprocessing.connection.wait` waits for."""
        return self._process.sentinel

    @property
    def returncode(self) -> int | None:
        """Return the exit code, below zero for a signal, or None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the same: asking looks."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when there is one."""
        self._process.join(timeout)
        code = self.returncode
        if code is None:
            raise subprocess.TimeoutExpired("a warm process", timeout or 0)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return what comes through both pipes until its end."""
        assert self.stdout is not None
        assert self.stderr is not None
        said: list[str] = []
        with self.stdout, self.stderr as messages:
            reader = threading.Thread(target=lambda: said.extend(messages))
            reader.start()
            out = self.stdout.read()
            reader.join()
        self.wait(timeout)
        return out, "".join(said)

    def send_signal(self, number: int) -> None:
        """Do nothing to a program that has ended, as `Popen` does, even if it ends meanwhile."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Do not let it end by itself."""
        self._process.kill()


def _text(said: Connection, says: Connection) -> TextIO:
    says.close()
    with said:
        return os.fdopen(os.dup(said.fileno()), encoding="utf-8", errors="replace")


def _run(
    program: Callable[[], object],
    words: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    says: Mapping[int, Connection],
) -> None:
    for number, end in says.items():
        os.dup2(end.fileno(), number)
    for end in {id(end): end for end in says.values()}.values():
        end.close()
    # What the server opened may have been files, and remembers a place in them.
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[1:] = words
    sys.exit(program())  # type: ignore[arg-type]
