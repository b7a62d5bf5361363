"""
What can go wrong at the edge. Every message names the operator's next step.

* EdgeError
  x ConfigError         a configuration file; exit code 78
  x UsageError          a command line; exit code 64
  x SourceError         a frame source: missing, unreadable, lost
    + ImageError        one image cannot be decoded; the run goes on
  x DetectorError       a face detector refused
  x SinkError           a sink refused an assessment
"""


class EdgeError(Exception):
    """Base of everything this package raises on purpose."""


class ConfigError(EdgeError, ValueError):
    """A configuration file is wrong; the message starts with file:line:column."""


class UsageError(EdgeError, ValueError):
    """A command line is wrong."""


class SourceError(EdgeError, OSError):
    """A frame source cannot be opened or was lost."""


class ImageError(SourceError):
    """One image cannot be decoded."""


class DetectorError(EdgeError, RuntimeError):
    """A face detector refused a frame or cannot be opened."""


class SinkError(EdgeError, OSError):
    """A sink refused an assessment."""
