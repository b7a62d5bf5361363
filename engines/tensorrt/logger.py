"""TensorRT's messages, into Python's logging and into our errors."""

import logging
from collections import deque
from typing import Any

log = logging.getLogger("engines.tensorrt")

_LOGGERS: list[tuple[Any, Any]] = []
"""
Module and its logger, kept for good: builders and runtimes hold a bare pointer to their logger,
even after we let them go. One for each module, because TensorRT takes the first that it is given
for the whole process: to a second one it says so in a warning, and may say nothing ever after.
"""

_TAIL = 5
_KEPT = 100


def open_logger(trt: Any) -> Any:
    """
    Return the logger of a TensorRT, which forwards to `logging` and remembers errors and warnings.

    Its `errors` and `warnings` are messages since it was last opened, oldest first; it lives as
    long as the process, because TensorRT logs from destructors.
    """
    logger = next((each for module, each in _LOGGERS if module is trt), None)
    if logger is None:
        logger = _new_logger(trt)
        _LOGGERS.append((trt, logger))
    logger.errors.clear()
    logger.warnings.clear()
    return logger


def _new_logger(trt: Any) -> Any:
    levels = {
        trt.ILogger.INTERNAL_ERROR: logging.ERROR,
        trt.ILogger.ERROR: logging.ERROR,
        trt.ILogger.WARNING: logging.WARNING,
    }

    class _Logger(trt.ILogger):  # type: ignore[misc]  # known at run time
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: deque[str] = deque(maxlen=_KEPT)
            self.warnings: deque[str] = deque(maxlen=_KEPT)

        def log(self, severity: Any, message: str) -> None:
            level = levels.get(severity, logging.DEBUG)
            if level == logging.ERROR:
                self.errors.append(message)
            elif level == logging.WARNING:
                self.warnings.append(message)
            # Errors reach the user inside our exception; here they would be shown twice.
            log.log(min(level, logging.INFO), "%s", message)

    return _Logger()


def last_words(logger: Any) -> str:
    """
    Return the newest errors for the end of an error message.

    Never warnings: they are about other things, and one of them would be taken for the reason.
    """
    return " | ".join([*logger.errors][-_TAIL:]) or "it logged no error"
