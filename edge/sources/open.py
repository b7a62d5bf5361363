"""From the configuration of a source to the running source."""

from collections.abc import Callable, Sequence

from edge.config.credentials import read_secret
from edge.config.source import SourceSettings
from edge.config.uri import SourceUri
from edge.errors import SourceError
from edge.protocols import FrameSource
from edge.sources.confined.messages import START_S
from edge.sources.decoding.demand import Demand
from edge.sources.files import open_files
from edge.sources.live import LiveSource
from edge.sources.playback import Pacing, Recording, Replay
from edge.sources.state import Patience
from edge.sources.status import Limits, Surroundings

STUCK = 3
"""Times its own timeout, after which a native call is believed never to return."""
FROZEN_S = 10.0
"""No sensor gives the same picture for so long; only the driver of a lost USB camera does."""


def live_source(
    settings: SourceSettings, around: Surroundings, unreadable: Callable[[SourceError], None]
) -> LiveSource:
    """
    Return a source that is not started yet.

    Args:
        settings: Of any scheme.
        around: What is told about it.
        unreadable: Called with the error of each still image that cannot be decoded.
    """
    demand = Demand()
    source = frame_source(settings, unreadable, demand)
    return LiveSource(settings.name, source, limits(settings), around, demand)


def frame_source(
    settings: SourceSettings,
    unreadable: Callable[[SourceError], None],
    demand: Demand | None = None,
) -> FrameSource:
    """
    Return what opens a source and yields its frames, once.

    Args:
        settings: Of any scheme.
        unreadable: Called with the error of each still image that cannot be decoded.
        demand: Which pictures of a camera are wanted; all, if not given.
    """
    # Each brings a large library that the others do without.
    match settings.uri.scheme:
        case "file":
            return _replay(settings, unreadable)
        case "csi":
            from edge.sources.gstreamer import GStreamerCamera, csi_pipeline  # noqa: PLC0415

            return GStreamerCamera(settings, csi_pipeline(settings), demand)
        case "v4l2":
            return _usb_camera(settings, demand)
    return _network_camera(settings, demand)


def _usb_camera(settings: SourceSettings, demand: Demand | None) -> FrameSource:
    from edge.sources.decoding.choice import hardware  # noqa: PLC0415

    choice = settings.decoder
    if choice == "gstreamer" or (choice == "auto" and hardware("mjpeg") is not None):
        from edge.sources.gstreamer import GStreamerUsbCamera  # noqa: PLC0415

        return GStreamerUsbCamera(settings, demand)
    from edge.sources.v4l2 import UsbCamera  # noqa: PLC0415

    return UsbCamera(settings, demand=demand)


def _network_camera(settings: SourceSettings, demand: Demand | None) -> FrameSource:
    if settings.isolate:
        from edge.sources.confined.camera import ConfinedCamera  # noqa: PLC0415

        return ConfinedCamera(settings, lambda: address(settings), demand)
    from edge.sources.ffmpeg import NetworkCamera  # noqa: PLC0415

    return NetworkCamera(settings, lambda: address(settings), demand=demand)


def _replay(settings: SourceSettings, unreadable: Callable[[SourceError], None]) -> Replay:
    def files() -> Sequence[Recording]:
        shown, decoder = settings.geometry, settings.decoder
        return open_files([settings.uri.path], unreadable, geometry=shown, decoder=decoder)

    pacing = Pacing() if settings.pace == "timestamps" else None
    return Replay(files, loop=settings.loop, pacing=pacing)


def address(settings: SourceSettings) -> SourceUri:
    """
    Return the address with the login as it is now.

    Raises:
        ConfigError: The secret cannot be read, or is not written user:password.
    """
    if settings.login is None:
        return settings.uri
    return settings.uri.with_login(read_secret(settings.login))


def limits(settings: SourceSettings) -> Limits:
    """Return how a source is treated."""
    rest_s = settings.rest_s
    start_s = START_S if settings.uri.is_network and settings.isolate else 0.0
    return Limits(
        is_live=settings.uri.is_live,
        open_stuck_s=STUCK * settings.open_timeout + start_s,
        read_stuck_s=STUCK * settings.read_timeout + rest_s,
        frozen_after_s=FROZEN_S if settings.uri.scheme == "v4l2" else None,
        patience=Patience(
            # One long gap is usual; a stall should show before the timeout mends it.
            stalled_after_s=settings.read_timeout / 2 + rest_s,
            announce_after_s=settings.offline_after + rest_s,
        ),
    )
