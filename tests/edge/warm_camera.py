"""The process of a network camera, forked from one that has imported it, as gates of tests are."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path

from edge.sources.confined.camera import ONE_THREAD
from tests.edge.warm_process import WarmProcess

_LOCK = threading.Lock()
"""Cameras are opened in threads; multiprocessing asks all its children whenever it starts one."""


class WarmCamera:
    """As much of `subprocess.Popen` as a camera asks its process."""

    def __init__(self, channel: int, memory: int) -> None:
        """Do as `edge.sources.confined.camera._started`."""
        with Connection(os.dup(channel)) as ours, Connection(os.dup(memory)) as shared, _LOCK:
            program = partial(_served, ours, shared, sys.path)
            self._process = WarmProcess(program, (), Path.cwd(), os.environ | ONE_THREAD)

    @property
    def returncode(self) -> int | None:
        """Return the exit code, below zero for a signal, or None while it runs."""
        with _LOCK:
            return self._process.returncode

    def wait(self, timeout: float | None = None) -> None:
        """Return when it has ended."""
        if not wait([self._process.sentinel], timeout):
            raise subprocess.TimeoutExpired("a warm camera", timeout or 0)

    def kill(self) -> None:
        """Do not let it end by itself."""
        with _LOCK:
            self._process.kill()


def _served(channel: Connection, memory: Connection, path: Sequence[str]) -> None:
    from edge.sources.confined.process import main  # noqa: PLC0415 -- in the forked process only

    os.setsid()
    sys.path[:] = path
    main(os.getppid(), os.dup(channel.fileno()), os.dup(memory.fileno()))
