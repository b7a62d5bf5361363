"""
Frames of network cameras by FFmpeg, through PyAV.

Why not through OpenCV, which has FFmpeg too (measured with 5.0): it opens one camera at a time in
the whole process, so a host that does not answer keeps all others from being opened; after a change
of resolution it scales to the old size without a word, which distorts faces; and the transport can
be set for the whole process only. Every timeout is explicit: a silent server would block for ever.
A read may block for twice its timeout.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from threading import Event
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from edge.config.source import SourceSettings
from edge.config.uri import SourceUri
from edge.errors import SourceError
from edge.samples import CAMERA_PIXELS, Damaged, Frame, Passed
from edge.sources.clock import stamped
from edge.sources.confined.bounds import HTTP_FORMATS, carried, require_pixels
from edge.sources.decoding.choice import decoders, prepare
from edge.sources.decoding.decoder import Decoders, FfmpegDecoders
from edge.sources.decoding.demand import Demand
from edge.sources.decoding.references import Unreferred, is_annex_b
from edge.sources.geometry import AsSeen, Picture, as_seen
from edge.sources.http_jpeg import AS_BYTES, HttpAnswer
from edge.sources.network.camera_tls import tls_options
from edge.sources.network.refusal import refusal
from edge.sources.network.rtsp_redirect import refuse_redirection
from edge.sources.video import METADATA_ERRORS, largest_video
from edge.sources.whole_pictures import WholePictures, gaps_heard, joined

HTTP = ("http", "https")
LOOK_US = "2000000"
"""Of a stream over HTTP: FFmpeg would look at FLV for 8 s, for a sound track that may yet come."""
WHOLE_WITHIN_S = 30.0
"""Without a whole picture a camera is connected anew: most send a key frame then."""
BUSY_S = (0.1, 0.4, 1.0)
"""
Waits for an RTSP camera that says 5XX. GStreamer's server does to one opening of four while it puts
away what it made ready for `refuse_redirection`.
"""


def _wait(seconds: float) -> None:
    Event().wait(seconds)


class NetworkCamera:
    """A camera at an address; each call of `frames()` connects anew."""

    def __init__(
        self,
        settings: SourceSettings,
        address: Callable[[], SourceUri],
        wait: Callable[[float], object] = _wait,
        demand: Demand | None = None,
    ) -> None:
        """
        Keep the settings; nothing is opened yet.

        Args:
            settings: Of a source with one of the schemes rtsp(s), http(s).
            address: Returns the address, with the login as it is at that moment.
            wait: Sleeps for seconds, between two single pictures.
            demand: Which pictures are wanted; all, if not given.

        Raises:
            ConfigError: The file of certificate authorities cannot be used.
        """
        self._settings = settings
        self._address, self._wait = address, wait
        self._demand = demand or Demand()
        self._options = carried(settings) | tls_options(settings)
        self._of_video = {"format_whitelist": "rtsp"}
        if settings.uri.scheme in HTTP:
            self._of_video = {"format_whitelist": HTTP_FORMATS, "analyzeduration": LOOK_US}
        if settings.uri.scheme in ("rtsp", "rtsps"):
            self._options["rtsp_transport"] = settings.transport
            if settings.transport == "tcp":
                # Only packets that wait in a queue are looked at for gaps in their numbers.
                self._options["reorder_queue_size"] = "2"

    def frames(self) -> Generator[Frame | Damaged | Passed, None, None]:
        """
        Yield fresh frames; `time_s` is the presentation time since the connection was made.

        Raises:
            LoginRefusedError: It knows nobody by this login.
            SourceError: The camera cannot be reached, ended, or gave no whole frame in time.
            ConfigError: Its login cannot be read.
        """
        uri = self._address()
        prepare(self._settings.decoder)
        try:
            if uri.scheme not in HTTP or not (yield from self._jpegs(uri)):
                with gaps_heard(uri) as lost, self._open(uri, options=self._of_video) as container:
                    yield from self._read(uri, container, lost)
        except av.error.FFmpegError as error:
            gave = f"gave no frame for {self._settings.read_timeout:g} s"
            reason = gave if isinstance(error, av.error.ExitError) else error.strerror
            raise SourceError(f"{uri}: {reason}") from None
        raise SourceError(f"{uri}: the stream has ended")

    def _open(self, uri: SourceUri, **how: Any) -> InputContainer:
        settings = self._settings
        how |= {"timeout": (settings.open_timeout, settings.read_timeout)}
        how["options"] = self._options | how.get("options", {})
        refuse_redirection(uri, settings)
        try:
            return self._opened(uri, how)
        except av.error.FFmpegError as error:
            # Not "from error": its text holds the address with the password.
            raise refusal(uri, settings, error) from None

    def _opened(self, uri: SourceUri, how: dict[str, Any]) -> InputContainer:
        for wait_s in () if uri.scheme in HTTP else BUSY_S:
            with suppress(av.error.HTTPServerError):
                return av.open(uri.address, metadata_errors=METADATA_ERRORS, **how)
            self._wait(wait_s)
        return av.open(uri.address, metadata_errors=METADATA_ERRORS, **how)

    def _jpegs(self, uri: SourceUri) -> Generator[Frame | Damaged | Passed, None, bool]:
        """Yield the pictures of Motion JPEG or a snapshot address; return False for another."""
        start_s, index = time.monotonic(), 0
        while True:
            asked_s, in_answer = time.monotonic(), 0
            with closing(self._open(uri, format="data", options=AS_BYTES)) as container:
                answer = HttpAnswer(container, str(uri))
                if not answer.is_jpeg():
                    return False
                for pixels in answer.pictures(self._demand.came):
                    in_answer += 1
                    if not isinstance(pixels, np.ndarray):
                        yield pixels
                        continue
                    seen = as_seen(pixels, self._settings.geometry, None, CAMERA_PIXELS)
                    yield Frame(seen, self._settings.name, index, time.monotonic() - start_s)
                    index += 1
            if in_answer > 1 or not answer.is_bare:
                return True  # a stream that has ended
            if in_answer == 0:
                yield Damaged()
            self._wait(max(asked_s + self._settings.snapshot_every - time.monotonic(), 0))

    def _read(
        self, uri: SourceUri, container: InputContainer, lost: Callable[[], bool]
    ) -> Iterator[Frame | Damaged | Passed]:
        track = largest_video(container)
        if track is None:
            raise SourceError(
                f"{uri} has no video that can be decoded; check the path, and the camera's codec"
            )
        require_pixels(uri, track.width, track.height, CAMERA_PIXELS)
        seen = AsSeen(track, self._settings.geometry, CAMERA_PIXELS)
        made = decoders(track, self._settings.decoder, CAMERA_PIXELS)
        with closing(Received(container, track, lost, self._demand, made)) as received:
            yield from self._frames(uri, received, seen)

    def _frames(
        self, uri: SourceUri, pictures: "Received", seen: AsSeen
    ) -> Iterator[Frame | Damaged | Passed]:
        pictures.catch_up()
        since_s = whole_at_s = time.monotonic()
        index = 0
        for picture in pictures:
            wanted = self._demand.came()
            if isinstance(picture, Damaged):
                self._require_whole(uri, whole_at_s)
            if isinstance(picture, Damaged | Passed):
                yield picture
                continue
            for whole in seen.whole(picture):
                whole_at_s = time.monotonic()
                yield self._made(whole, seen, index, since_s) if wanted else Passed()
                index += wanted

    def _made(self, whole: Picture, seen: AsSeen, index: int, since_s: float) -> Frame:
        pixels, time_s = seen.pixels(whole), stamped(whole.time, since_s)
        return Frame(pixels, self._settings.name, index, time_s)

    def _require_whole(self, uri: SourceUri, since_s: float) -> None:
        if time.monotonic() - since_s > WHOLE_WITHIN_S:
            raise SourceError(
                f"{uri}: pictures came damaged, and no whole key frame for {WHOLE_WITHIN_S:g} s; "
                "let the camera send one more often (I-frame interval, GOP)"
            )


class Received:
    """The whole pictures of one connection as they come, and a mark for each that is left out."""

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        lost: Callable[[], bool],
        demand: Demand | None = None,
        decoders: Decoders | None = None,
    ) -> None:
        """
        Prepare; nothing is read yet.

        Args:
            container: Just opened.
            stream: One of it.
            lost: Tells whether packets were lost since it was asked.
            demand: Which pictures are wanted; all, if not given.
            decoders: Make what decodes it; FFmpeg's if not given.
        """
        self._stream, self._lost, self._demand = stream, lost, demand or Demand()
        self._packets = container.demux(stream)
        self._left_out: list[Damaged] = []
        decoders = decoders or FfmpegDecoders(stream, CAMERA_PIXELS)
        self._whole = WholePictures(
            self._stream, lambda: self._left_out.append(Damaged()), decoders
        )
        self._decoded = self._decode()

    def __iter__(self) -> Iterator[Picture | Damaged | Passed]:
        return self._decoded

    def close(self) -> None:
        """Release the decoder."""
        self._whole.close()

    def catch_up(self) -> None:
        """Pass over what has waited for us; call it first."""
        if self._lost():
            self._leave_what_came_while_opening()
        else:
            self._drain(self._decoded)
        self._left_out.clear()

    def _leave_what_came_while_opening(self) -> None:
        """
        Pass over it undecoded, since nobody knows any more before which packet the gap was.

        A packet that had to be waited for came later; so does one during which a busy machine let
        us wait, but not several times while what lies ready is merely counted.
        """
        for _ in range(WAITS):
            self._drain(self._packets)
        self._lost()  # what was lost meanwhile is left out, too
        self._whole.wait_for_key_frame()

    def _drain(self, what: Iterator[object]) -> None:
        # A decoder that is still to begin lets a picture wait that came long ago.
        drain(
            lambda: next(what, None) is not None,
            _fps(self._stream),
            lambda: self._demand.clock() - self._whole.waited_s,
        )

    def _decode(self) -> Iterator[Picture | Damaged | Passed]:
        codec = self._stream.codec_context.name if is_annex_b(self._stream) else ""
        unreferred = Unreferred(codec)
        received = ((packet, self._lost()) for packet in self._packets)
        for packet, lost in joined(received, codec, tells_damage=self._whole.tells_damage):
            if not lost and self._need_not_decode(bytes(packet), unreferred):
                yield Passed()
                continue
            yield from self._whole.of(packet, lost=lost)
            yield from self._left_out
            self._left_out.clear()

    def _need_not_decode(self, data: bytes, unreferred: Unreferred) -> bool:
        in_order = self._whole.is_whole and comes_in_order(self._stream)
        return unreferred.holds(data) and in_order and not self._demand.is_due()


def comes_in_order(stream: VideoStream) -> bool:
    """Tell whether pictures are sent as they are shown; else fewer of them would come later."""
    return not stream.codec_context.has_b_frames


def _fps(stream: VideoStream) -> float:
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate else 0.0


LONGEST_S = 2.0
"""The longest time spent on it; measured on RTSP: about 1 s of frames wait in the server."""
WAITS = 5
"""For packets, before all that lay ready is known to be passed over."""
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
