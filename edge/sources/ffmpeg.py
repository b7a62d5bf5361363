"""
Frames of network cameras by FFmpeg, through PyAV.

Why not through OpenCV, which has FFmpeg too (measured with 5.0): it opens one camera at a time in
the whole process, so a host that does not answer keeps all others from being opened; after a change
of resolution it scales to the old size without a word, which distorts faces; and the transport can
be set for the whole process only. Every timeout is explicit: a silent server would block for ever.
A read may block for twice its timeout.
"""

import time
from collections.abc import Callable, Iterator
from typing import cast

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from edge.config.source import SourceSettings
from edge.config.uri import SourceUri
from edge.errors import SourceError
from edge.samples import Frame, Pixels
from edge.sources.camera_tls import tls_options, tls_problem

START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
DECODER_THREADS = 2
"""For each camera; the decoder's own choice would be one for each core."""


class NetworkCamera:
    """A camera at an address; each call of `frames()` connects anew."""

    def __init__(self, settings: SourceSettings, address: Callable[[], SourceUri]) -> None:
        """
        Keep the settings; nothing is opened yet.

        Args:
            settings: Of a source with one of the schemes rtsp(s), http(s).
            address: Returns the address, with the login as it is at that moment.

        Raises:
            ConfigError: The file of certificate authorities cannot be used.
        """
        self._settings = settings
        self._address = address
        self._options = tls_options(settings)
        if settings.uri.scheme in ("rtsp", "rtsps"):
            self._options["rtsp_transport"] = settings.transport

    def frames(self) -> Iterator[Frame]:
        """
        Yield fresh frames; `time_s` is the presentation time since the connection was made.

        Raises:
            SourceError: The camera cannot be reached, ended, or gave no frame in time.
            ConfigError: Its login cannot be read.
        """
        uri = self._address()
        container = self._open(uri)
        try:
            yield from self._read(uri, container)
        finally:
            container.close()

    def _open(self, uri: SourceUri) -> InputContainer:
        settings = self._settings
        timeouts_s = settings.open_timeout, settings.read_timeout
        try:
            return av.open(uri.address, options=self._options, timeout=timeouts_s)
        except av.error.FFmpegError as error:
            # Not "from error": its text holds the address with the password.
            raise SourceError(_refusal(uri, settings, error)) from None

    def _read(self, uri: SourceUri, container: InputContainer) -> Iterator[Frame]:
        if not container.streams.video:
            raise SourceError(f"{uri} has no video; check the path")
        stream = container.streams.video[0]
        stream.codec_context.thread_count = DECODER_THREADS
        try:
            decoded = _decoded(container, stream)
            drain(lambda: next(decoded, None) is not None, _fps(stream), time.monotonic)
            for index, frame in enumerate(decoded):
                pixels = cast("Pixels", frame.to_ndarray(format="bgr24"))
                yield Frame(pixels, self._settings.name, index, frame.time)
        except av.error.FFmpegError as error:
            gave = f"gave no frame for {self._settings.read_timeout:g} s"
            reason = gave if isinstance(error, av.error.ExitError) else error.strerror
            raise SourceError(f"{uri}: {reason}") from None
        raise SourceError(f"{uri}: the stream has ended")


def _refusal(uri: SourceUri, settings: SourceSettings, error: av.error.FFmpegError) -> str:
    problem = tls_problem(uri, settings)
    if problem is not None:
        return f"{uri} cannot be opened: {problem}"
    return (
        f"{uri} cannot be opened within {settings.open_timeout:g} s ({error.strerror}); "
        f"check host, path and login; look at it with: ffplay {str(uri)!r}"
    )


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    for packet in container.demux(stream):
        yield from _frames_in(packet)


def _frames_in(packet: "av.Packet[VideoStream]") -> list[av.VideoFrame]:
    if packet.stream.codec_context.name == "mjpeg" and is_cut_off(bytes(packet)):
        return []  # FFmpeg would fill up what is missing with an older picture: two faces in one
    try:
        return packet.decode()
    except av.error.InvalidDataError:
        return []  # a packet was lost on the way; the next key frame mends it


def is_cut_off(jpeg: bytes) -> bool:
    """Tell whether a JPEG lacks its end: no marker is found within its data (ISO/IEC 10918-1)."""
    return jpeg.rfind(END_OF_IMAGE) <= jpeg.rfind(START_OF_SCAN)


def _fps(stream: VideoStream) -> float:
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate else 0.0


LONGEST_S = 2.0
"""The longest time spent on it; measured on RTSP: about 1 s of frames wait in the server."""
USUAL_FPS = 25.0
"""For cameras that do not say, or say something absurd."""


def drain(grab: Callable[[], bool], fps: float, clock: Callable[[], float]) -> int:
    """
    Grab until a frame had to be waited for: those that waited for us come at once.

    Args:
        grab: Takes the next frame and forgets it; False when there is none any more.
        fps: Frames per second the camera promises; anything when it does not.
        clock: Monotonic seconds.

    Returns:
        How many frames were passed over; the last of them was fresh, unless the time ran out.
    """
    half_interval_s = 0.5 / (fps if 1 <= fps <= 240 else USUAL_FPS)
    start_s = before_s = clock()
    passed = 0
    while grab():
        passed += 1
        now_s = clock()
        if now_s - before_s > half_interval_s or now_s - start_s > LONGEST_S:
            break
        before_s = now_s
    return passed
