"""
What others say, on a terminal: shown as text, whatever it is made of.

Servers, cameras, brokers, networks and names of files may hold what a terminal obeys instead of
showing it: colours, a moved cursor, another title, letters in another order.
"""

import re
import sys
from typing import TextIO

OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""
Control characters but for tab and line feed (ECMA-48 has them in two ranges), separators of lines,
directions of writing (Unicode Standard Annex 9), and halves of characters.
"""


def printable(text: str) -> str:
    r"""Return a text with everything spelled out that a terminal would obey, as `\x1b`."""
    return OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def say(words: object, file: TextIO | None = None) -> None:
    """Print what may quote others, on standard output if not told."""
    print(printable(str(words)), file=file or sys.stdout, flush=True)
