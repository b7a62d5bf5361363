"""
The program, forked from a process that has imported it: most of a gate's start are its imports.

The same code in a process of its own, with the same environment, signals and messages. What is
only there in a start by the command line is tested with `RunningGate(…, warm=False)`.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver, get_context, util
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["edge.commands.run"])
# So that what it took counts as time of the tests: nobody else waits for the server. After the
# gates that a test has left running, which multiprocessing ends: the server stays for them.
util.Finalize(None, forkserver._forkserver._stop, exitpriority=-1)  # type: ignore[attr-defined]


class WarmGate:
    """As much of `subprocess.Popen` as tests ask a gate."""

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        """Run `edge-gate WORDS` in a folder, its messages in `stderr`."""
        said, says = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(
            target=_run, args=(list(words), folder, dict(environment), says), daemon=True
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OMP_NUM_THREADS", "1")  # what forks must have no other threads
            self._process.start()
        says.close()
        with said:
            self.stderr = os.fdopen(os.dup(said.fileno()), encoding="utf-8", errors="replace")

    @property
    def pid(self) -> int:
        """As the gate names itself."""
        assert self._process.pid is not None
        return self._process.pid

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
            raise subprocess.TimeoutExpired("edge-gate", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Do nothing to a gate that has ended, whose number may be another's."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Do not let it end by itself."""
        self._process.kill()


def _run(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], says: Connection
) -> None:
    from edge.__main__ import main  # noqa: PLC0415 -- in the forked process only

    os.dup2(says.fileno(), sys.stderr.fileno())
    says.close()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[1:] = words
    sys.exit(main())
