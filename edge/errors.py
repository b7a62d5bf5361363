"""
What can go wrong at the edge. Every message names the operator's next step.

* EdgeError
  x ConfigError         a configuration file; exit code 78
  x UsageError          a command line; exit code 64
  x SourceError         a frame source: missing, unreadable, lost
    + ImageError        one image cannot be decoded; the run goes on
    + LoginRefusedError a camera refuses the login; trying it often locks the account
  x DetectorError       a face detector refused
  x SinkError           a sink did not take a face; it is tried again
    + SinkBusyError     the receiver names the earliest moment of the next attempt
    + SinkRefusedError  the receiver will never take this face; it becomes a dead letter
  x OutboxError         the outbox cannot keep or hand out faces
    + OutboxFullError   the file system is full
    + OutboxCorruptError  the file is damaged; the next start sets it aside
  x InUseError          another gate uses the same outbox or shadow log
  x ShadowLogError      the shadow log cannot be written or read
  x NoFaceError         a photograph of an evaluation shows no face
  x TuningError         footage from which no threshold can be told
  x EvaluationFileError what an evaluation keeps on disk cannot be read or written
  x ArchiveError        a folder of results is of another job, damaged, or cannot be written
  x FleetError          a broker does not show a fleet, or a gate objects
  x ClusterError        a cluster cannot be reached, or its workers differ from this machine
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


class LoginRefusedError(SourceError):
    """A camera refuses the login: many lock an account after a few attempts."""


class DetectorError(EdgeError, RuntimeError):
    """A face detector refused a frame or cannot be opened."""


class SinkError(EdgeError, OSError):
    """A sink did not take a face; the same face may succeed later."""


class SinkBusyError(SinkError):
    """The receiver asked to be left alone for a while."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """Seconds from now before which another attempt is unwelcome."""


class SinkRefusedError(SinkError):
    """A sink will never take this face; trying again cannot help."""


class OutboxError(EdgeError, OSError):
    """The outbox cannot keep or hand out faces."""


class OutboxFullError(OutboxError):
    """The file system under the outbox is full."""


class OutboxCorruptError(OutboxError):
    """The outbox's file is damaged."""


class InUseError(EdgeError, OSError):
    """Another process uses what only one may use; when that one ends, this one can begin."""


class ShadowLogError(EdgeError, OSError):
    """The shadow log cannot be written or read."""


class NoFaceError(EdgeError):
    """A photograph of an evaluation shows no face; its pairs are left out and counted."""


class TuningError(EdgeError, ValueError):
    """The footage cannot tell a threshold for the goal."""


class EvaluationFileError(EdgeError, OSError):
    """What an evaluation keeps on disk cannot be read or written."""


class ArchiveError(EdgeError, OSError):
    """A folder of results is of another job, damaged, or cannot be written."""


class ClusterError(EdgeError, RuntimeError):
    """A cluster cannot be reached, or its workers differ from this machine."""


class FleetError(EdgeError, RuntimeError):
    """A broker does not show or take what a fleet needs, or a gate objects to what it is told."""
