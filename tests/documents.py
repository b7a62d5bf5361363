"""The fenced blocks of README and docs, as data."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its place, its language, and why it is not run, if it is not."""

    page: Path
    line: int
    language: str
    marks: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def commands(self) -> tuple[str, ...]:
        """The command lines, continued ones joined, comments left out."""
        lines = self.text.replace("\\\n", " ").splitlines()
        words = (shlex.join(shlex.split(line, comments=True)) for line in lines)
        return tuple(line for line in words if line)


def blocks() -> Iterator[Block]:
    """Yield every fenced block of every page."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _FENCE.finditer(text):
            language, *marks = found[1].split() or [""]
            line = text.count("\n", 0, found.start()) + 1
            yield Block(page, line, language, tuple(marks), found[2])
