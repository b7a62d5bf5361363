"""TensorRT's messages, into Python's logging and into our errors."""

import logging
from typing import Any

log = logging.getLogger("engines.tensorrt")

_KEPT_ALIVE: list[Any] = []
"""Builders and runtimes hold a bare pointer to their logger, even after we let them go."""

_TAIL = 5


def open_logger(trt: Any) -> Any:
    """
    Return a TensorRT logger that forwards to `logging` and remembers errors and warnings.

    Its `errors` and `warnings` are lists of messages, oldest first; it lives as long as the
    process, because TensorRT logs from destructors.
    """
    levels = {
        trt.ILogger.INTERNAL_ERROR: logging.ERROR,
        trt.ILogger.ERROR: logging.ERROR,
        trt.ILogger.WARNING: logging.WARNING,
    }

    class _Logger(trt.ILogger):  # type: ignore[misc]  # known at run time
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []
            self.warnings: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            level = levels.get(severity, logging.DEBUG)
            if level == logging.ERROR:
                self.errors.append(message)
            elif level == logging.WARNING:
                self.warnings.append(message)
            # Errors reach the user inside our exception; here they would be shown twice.
            log.log(min(level, logging.INFO), "%s", message)

    logger = _Logger()
    _KEPT_ALIVE.append(logger)
    return logger


def last_words(logger: Any) -> str:
    """Return the newest errors (or else warnings) for the end of an error message."""
    messages = logger.errors[-_TAIL:] or logger.warnings[-_TAIL:]
    return " | ".join(messages) or "it logged no reason"
