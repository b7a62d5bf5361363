"""The part of the configuration that says what is remembered of every face, forwarded or not."""

from edge.config.quantities import ByteCount, Duration
from edge.config.section import AnyPath, Section


class ShadowLogSettings(Section):
    """
    What the gate decided about each face, with a small picture: for tuning without recordings.

    It holds faces that the gate discards, so that it says what would be lost: nothing of it leaves
    the device, and everything in it is deleted by age.
    """

    path: AnyPath
    """The file, an sqlite database that only the service's user can read; made when missing."""
    keep_for: Duration = 7 * 86400.0
    """Faces older than this are deleted."""
    at_most: ByteCount = 200_000_000
    """Bytes of faces and pictures; the oldest go first. A face takes about 4 kB."""
