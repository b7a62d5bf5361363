"""A program at a terminal, with somebody who reads and types."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

PATIENCE_S = 300.0
"""Only a defect waits as long."""
PRESSED_AGAIN_S = 10.0
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class PseudoTerminal:
    """Starts a program whose terminal we are; ends it when left."""

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.transcript = ""
        """All that was shown so far, without colours and cursor movements."""
        self._read_to = 0
        self._terminal, theirs = pty.openpty()
        # Not pty.fork, which threads of this process may block in the child.
        self.process = subprocess.Popen(
            # Whoever starts the tests in the background has Ctrl-C ignored, and that is inherited.
            ["setsid", "--ctty", "env", "--default-signal=INT", *words],
            cwd=folder,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self._terminal)

    def shows(self, words: str) -> str:
        """Read until it shows a text that was not read before; return all up to there."""
        ends_at = time.monotonic() + PATIENCE_S
        while words not in self.transcript[self._read_to :]:
            left_s = ends_at - time.monotonic()
            assert left_s > 0, f"{words!r} was never shown:\n{self.transcript}"
            assert self._more(left_s), f"it ended without {words!r}:\n{self.transcript}"
        begin = self._read_to
        self._read_to = self.transcript.index(words, begin) + len(words)
        return self.transcript[begin : self._read_to]

    def types(self, words: str) -> None:
        """Type a line."""
        os.write(self._terminal, f"{words}\n".encode())

    def interrupts(self) -> None:
        """Press Ctrl-C."""
        os.write(self._terminal, b"\x03")

    def ends_when_interrupted(self) -> int:
        """
        Press Ctrl-C, again where nothing follows; return the exit code.

        A signal that comes between a prompt and the wait for its answer has no effect before there
        is an answer; people never press that fast, and press again.
        """
        while self.process.poll() is None:
            with suppress(OSError):  # it has just ended
                self.interrupts()
            while self._more(PRESSED_AGAIN_S):
                pass
        return self.ends()

    def ends(self) -> int:
        """Read to the end; return the exit code."""
        while self._more(PATIENCE_S):
            pass
        return self.process.wait(PATIENCE_S)

    def _more(self, seconds: float) -> bool:
        if not select.select([self._terminal], [], [], seconds)[0]:
            return False
        try:
            read = os.read(self._terminal, 65536)
        except OSError:  # how Linux says that the other side has gone
            return False
        self.transcript += ANSI.sub("", read.decode("utf-8", "replace"))
        return bool(read)
