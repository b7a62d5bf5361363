"""What decodes the packets of one stream, and what it gives; FFmpeg's way of it."""

from collections.abc import Callable
from typing import Protocol, TypeAlias, cast

import av
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from edge.sources.confined.bounds import decoding, last_words, require_moderate
from edge.sources.geometry import Picture

VideoPacket: TypeAlias = "av.Packet[VideoStream]"


def shown_at(packet: VideoPacket) -> float | None:
    """Return the presentation time of a packet in seconds; None where it has none."""
    return None if packet.pts is None else float(packet.pts * packet.time_base)


class UndecodableError(Exception):
    """The decoder made nothing of what it got; it is of no use any more."""


class Decoder(Protocol):
    """One stream's, from a key frame on."""

    name: str
    """FFmpeg's name of the codec."""
    tells_damage: bool
    """Whether it says of each picture of this codec that slices of it are missing."""
    waited_s: float
    """Seconds that it has waited for itself, not for a camera."""

    def decode(self, packet: VideoPacket) -> list[Picture]:
        """
        Return the pictures that are ready, in the order in which they are shown.

        Args:
            packet: The next one; one without data asks for all that is held.

        Raises:
            UndecodableError: What came is damaged, or the decoder does not work.
            SourceError: Pictures are larger than the budget.
        """

    def reorders(self) -> bool:
        """Tell whether pictures are sent in another order than shown."""

    def close(self) -> None:
        """Release it; safe to call twice."""


Decoders: TypeAlias = Callable[[], Decoder]
"""Make a new one, after damage."""


class FfmpegDecoder:
    """FFmpeg's, on the processor."""

    waited_s = 0.0

    def __init__(self, context: VideoCodecContext, budget: int) -> None:
        """Take a context that has decoded nothing yet, and the most pixels of a picture."""
        # More threads would turn FFmpeg's check for missing slices off, or tell of it too late.
        context.thread_count = 1
        self.tells_damage = context.name != "hevc"
        strict = {} if self.tells_damage else {"err_detect": "explode"}
        context.options = decoding(budget) | strict
        self._context, self.name = context, context.name

    def decode(self, packet: VideoPacket) -> list[Picture]:
        """Return the pictures that a packet completes."""
        try:
            return list(self._context.decode(packet))
        except av.error.FFmpegError as error:  # nothing is read here, so it is the data
            require_moderate("the video", last_words(error))
            raise UndecodableError(str(error)) from None

    def reorders(self) -> bool:
        """Tell whether pictures are sent in another order than shown."""
        return bool(self._context.has_b_frames)

    def close(self) -> None:
        """Leave it to the end of all references."""


class FfmpegDecoders:
    """Makes them for one stream; a decoder that met damage, and was flushed, is not as good."""

    def __init__(self, stream: VideoStream, budget: int) -> None:
        """Take a stream of an open container, not decoded before."""
        self._stream, self._budget, self._is_fresh = stream, budget, True

    def __call__(self) -> FfmpegDecoder:
        """Return a new one."""
        like = self._stream.codec_context
        if self._is_fresh:
            self._is_fresh = False
            return FfmpegDecoder(like, self._budget)
        context = cast("VideoCodecContext", VideoCodecContext.create(like.codec, "r"))
        context.extradata, context.codec_tag = like.extradata, like.codec_tag
        return FfmpegDecoder(context, self._budget)
