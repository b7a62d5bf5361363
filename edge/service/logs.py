"""
One line for each event: JSON for the journal, readable on a terminal.

Fields go in `extra={"fields": {...}}` and are kept apart from the words, so that a message can be
searched for and a figure be counted. Under systemd each line starts with its priority, `<6>`, which
the journal takes off again (SyslogLevelPrefix= in systemd.exec(5), sd-daemon(3)).
"""

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Literal, TextIO

from edge.printable import printable

Style = Literal["json", "text"]
PRIORITIES = {
    logging.CRITICAL: 2,
    logging.ERROR: 3,
    logging.WARNING: 4,
    logging.INFO: 6,
    logging.DEBUG: 7,
}
"""From Python's levels to those of syslog(3)."""


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, thread, message, and the event's own fields."""

    def __init__(self, *, with_priority: bool) -> None:
        super().__init__()
        self._with_priority = with_priority

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, whatever line ends the message has."""
        line = json.dumps(self._event(record), ensure_ascii=False, default=str)
        return f"<{PRIORITIES.get(record.levelno, 6)}>{line}" if self._with_priority else line

    def _event(self, record: logging.LogRecord) -> dict[str, object]:
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        event: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "thread": record.threadName,
            "message": record.getMessage(),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return {**fields_of(record), **event}


class Readable(logging.Formatter):
    """Clock time, level when it matters, message, and the fields that the message does not hold."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; further ones of a message, and a traceback, stand indented below it."""
        moment = datetime.fromtimestamp(record.created, timezone.utc).astimezone()
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        message = record.getMessage()
        unsaid = ((name, value) for name, value in fields_of(record).items())
        fields = "".join(f"  {name}={value}" for name, value in unsaid if not _says(message, value))
        lines = f"{level}{message}{fields}"
        if record.exc_info:
            lines += "\n" + self.formatException(record.exc_info)
        # No word of a server may pass for a line of ours.
        return f"{moment:%H:%M:%S} " + printable(lines).replace("\n", "\n    ")


def fields_of(record: logging.LogRecord) -> Mapping[str, object]:
    """Return the fields of an event that hold something, none when it was logged without."""
    fields = getattr(record, "fields", None)
    known = fields if isinstance(fields, Mapping) else {}
    return {name: value for name, value in known.items() if value is not None}


def _says(message: str, value: object) -> bool:
    """Tell whether a message holds a value as a word of its own."""
    return re.search(rf"(?<![\w.]){re.escape(str(value))}(?![\w.]*\w)", message) is not None


def start_logging(style: Style | None = None, stream: TextIO | None = None) -> None:
    """
    Log events of level INFO and above from now on.

    Args:
        style: None: text when the stream is a terminal, else JSON.
        stream: None: standard error, since standard output may be a sink for records.
    """
    stream = sys.stderr if stream is None else stream
    chosen = style or ("text" if stream.isatty() else "json")
    handler = logging.StreamHandler(stream)
    # JOURNAL_STREAM is set when systemd connected the stream to the journal (systemd.exec(5)).
    under_systemd = "JOURNAL_STREAM" in os.environ
    handler.setFormatter(JsonLines(with_priority=under_systemd) if chosen == "json" else Readable())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
