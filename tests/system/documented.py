"""The commands of docs/service.md, by section, so that the tests run what the page says."""

import re

from tests.documents import ROOT, blocks

PAGE = ROOT / "docs" / "service.md"


def sections() -> dict[str, list[str]]:
    """Return for each heading of the page its blocks of commands, in order."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    heads = {number: line[3:] for number, line in enumerate(lines, 1) if line.startswith("## ")}
    found: dict[str, list[str]] = {}
    for block in blocks():
        if block.page == PAGE and block.language == "sh":
            head = heads[max(number for number in heads if number < block.line)]
            found.setdefault(head, []).append(block.text)
    return found


def block(heading: str, holding: str) -> str:
    """Return the block of a section that holds these words."""
    (found,) = [text for text in sections()[heading] if holding in text]
    return found


def packages() -> tuple[str, ...]:
    """Return the packages that the page has installed."""
    text = "\n".join(sections()["Install"])
    lines = re.findall(r"(?m)^sudo apt-get install -y (.+)$", text)
    return tuple(name for line in lines for name in line.split())
