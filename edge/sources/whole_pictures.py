"""
From packets of compressed video to pictures that are whole: damaged ones are dropped and told.

A lost packet damages its picture and all that refer to it, up to the next key frame, and FFmpeg
hands all of them over: the holes are filled from older pictures. What tells of the damage (measured
with FFmpeg 8.1 through PyAV 18.1, slices and packets taken out of streams of x264 and x265):

* H.264: missing or broken slices are flagged, if one thread decodes; with threads for slices the
  check is off. The pictures that refer to a flagged one are not flagged.
* H.265: no flag. With `err_detect=explode` a missing reference and most broken slices are errors.
* A whole picture that is missing leaves no trace in H.264, and a hole may leave none in H.265, so
  gaps in the numbers of RTP packets count too. FFmpeg says them in its log, and nowhere else.
* Parameter sets between the slices of one key frame (GStreamer's `config-interval=-1` with several
  slices) make FFmpeg's parser cut the picture into pieces. They are put together again.

Not seen: a slice of H.265 that was left out before the packets were numbered.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias, cast

import av
import av.logging
from av.video.frame import PictureType
from av.video.stream import VideoStream

from edge.samples import PIXEL_BUDGET
from edge.sources.confined.bounds import keep_words, require_moderate
from edge.sources.decoding.decoder import (
    Decoders,
    FfmpegDecoders,
    UndecodableError,
    VideoPacket,
)
from edge.sources.decoding.references import heads
from edge.sources.geometry import Picture

Received: TypeAlias = tuple[VideoPacket, bool]
"""A packet, and whether others before it were lost."""

START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
GAPS = ("RTP: missed", "max delay reached")
"""Beginnings of what FFmpeg's rtpdec.c says of packets that never came."""


class WholePictures:
    """Decodes one video stream and leaves out what is damaged, up to the next whole key frame."""

    def __init__(
        self,
        stream: VideoStream,
        damaged: Callable[[], None],
        decoders: Decoders | None = None,
    ) -> None:
        """
        Prepare the decoder; the stream must not have been decoded before.

        Args:
            stream: Of an open container.
            damaged: Called for each picture that is left out.
            decoders: Make what decodes it; FFmpeg's for at most PIXEL_BUDGET, if not given.
        """
        self._damaged = damaged
        self._began = self._waits = self._suspect = False
        self._held: list[Picture] = []
        self._decoders = decoders or FfmpegDecoders(stream, PIXEL_BUDGET)
        self._decoder = self._decoders()

    @property
    def tells_damage(self) -> bool:
        """Whether the decoder says that a slice was missing."""
        return self._decoder.tells_damage

    @property
    def waited_s(self) -> float:
        """Seconds that the decoder has waited for itself, not for a camera."""
        return self._decoder.waited_s

    def close(self) -> None:
        """Release the decoder; nothing is decoded any more."""
        self._decoder.close()

    def of(self, packet: VideoPacket, *, lost: bool = False) -> list[Picture]:
        """Return the whole pictures that a packet completes; `lost` tells of a gap before it."""
        if self._decoder.name == "mjpeg":
            return self._independent(packet, lost=lost)
        if lost or packet.is_corrupt:
            self.wait_for_key_frame()
        # What was lost may have belonged to this packet or to the next one.
        is_suspect, self._suspect = lost or self._suspect, lost
        if self._waits and (is_suspect or packet.is_corrupt or not packet.is_keyframe):
            self._leave_out()
            return []
        self._waits = False
        return self._decoded(packet)

    @property
    def is_whole(self) -> bool:
        """Whether pictures come whole now: nothing is waited for, and no gap was just before."""
        return not (self._waits or self._suspect)

    def wait_for_key_frame(self) -> None:
        """Leave out what comes before the next whole key frame."""
        self._waits = True
        self._forget()

    def _decoded(self, packet: VideoPacket) -> list[Picture]:
        frames = self._pictures(packet)
        if frames is None:
            self._waits = self._began  # before, we joined between two key frames
            self._leave_out()
            self._forget()
            return []
        self._began = self._began or bool(frames)
        return self._in_order(frames, at_end=not packet.size)

    def _in_order(self, frames: list[Picture], *, at_end: bool) -> list[Picture]:
        """Hold B pictures back until the one after them, which they refer to, is known as whole."""
        if not (self._decoder.tells_damage and self._decoder.reorders()):
            return frames
        ready: list[Picture] = []
        for frame in frames:
            self._held.append(frame)
            if not isinstance(frame, av.VideoFrame) or frame.pict_type != PictureType.B:
                ready += self._held
                self._held = []
        return ready + self._held if at_end else ready

    def _forget(self) -> None:
        """Let the decoder refer to nothing of before the next key frame."""
        for _ in self._held:
            self._leave_out()
        self._held = []
        self._renew()

    def _renew(self) -> None:
        # A decoder that was flushed still decodes the next key frame a little differently.
        self._decoder.close()
        self._decoder = self._decoders()

    def _leave_out(self) -> None:
        if self._began:  # nobody misses what came before the first key frame
            self._damaged()

    def _independent(self, packet: VideoPacket, *, lost: bool) -> list[Picture]:
        # FFmpeg would fill up what is missing with an older picture: two faces in one.
        is_cut = bool(packet.size) and is_cut_off(bytes(packet))
        frames = None if is_cut else self._pictures(packet)
        if frames is None or lost:  # FFmpeg leaves out pictures that did not arrive as a whole
            self._damaged()
        if frames is None and not is_cut:
            self._renew()
        return frames or []

    def _pictures(self, packet: VideoPacket) -> list[Picture] | None:
        """Return the pictures that a packet completes; None when one of them is damaged."""
        try:
            frames = self._decoder.decode(packet)
        except UndecodableError:
            return None
        return None if any(frame.is_corrupt for frame in frames) else frames


def is_cut_off(jpeg: bytes) -> bool:
    """Tell whether a JPEG lacks its end: no marker is found within its data (ISO/IEC 10918-1)."""
    return jpeg.rfind(END_OF_IMAGE) <= jpeg.rfind(START_OF_SCAN)


@contextmanager
def gaps_heard(what: object = "the stream") -> Iterator[Callable[[], bool]]:
    """
    Listen to FFmpeg in this thread; yield what tells whether packets were lost since it was asked.

    What is yielded raises SourceError when a picture was refused for its size.
    """
    keep_words()
    with av.logging.Capture(local=True) as said:

        def heard() -> bool:
            told = [words for _, _, words in said]
            said.clear()
            require_moderate(what, "".join(told))
            return any(words.startswith(GAPS) for words in told)

        yield heard


def joined(packets: Iterable[Received], codec: str, *, tells_damage: bool) -> Iterator[Received]:
    """
    Yield packets with the pieces of a key frame put together.

    A key frame waits for the packet after it, the others are handed on at once. With decoders that
    do not say that a slice was missing each waits, and the last one of the stream, which may be cut
    off, is left out.

    Args:
        packets: Of H.264 or H.265 in Annex B's form, as from RTP; others are not changed.
        codec: FFmpeg's name of it; "" for packets of another form.
        tells_damage: Whether the decoder says that a slice was missing.
    """
    each_waits = codec in FIRST_SLICE and not tells_damage
    held: Received | None = None
    for packet, lost in packets:
        goes_on = bool(packet.size) and goes_on_with_picture(bytes(packet), codec)
        if held is not None and goes_on and not lost:
            held = _together(held[0], packet), held[1]
            continue
        if held is not None and (packet.size or not each_waits):
            yield held[0], held[1] or goes_on  # a gap parts it from what belongs to it
        held = packet, lost or goes_on
        if not (packet.size and (packet.is_keyframe or each_waits)):
            yield held
            held = None


def _together(first: VideoPacket, second: VideoPacket) -> VideoPacket:
    whole = cast("VideoPacket", av.Packet(bytes(first) + bytes(second)))
    whole.stream, whole.time_base = first.stream, first.time_base
    whole.pts, whole.dts, whole.is_keyframe = first.pts, first.dts, first.is_keyframe
    return whole


def _is_first_h264(nal: bytes) -> bool | None:
    """Tell whether a NAL unit begins a picture; None for those without pixels (H.264, 7.3.3)."""
    # first_mb_in_slice is an Exp-Golomb code: 0 is written as one bit that is set.
    return bool(nal[1] & 0x80) if nal[0] & 31 in (1, 2, 5) and len(nal) > 1 else None


def _is_first_hevc(nal: bytes) -> bool | None:
    """Tell the same of H.265 (7.3.6.1): first_slice_segment_in_pic_flag follows the header."""
    return bool(nal[2] & 0x80) if (nal[0] >> 1) & 63 < 32 and len(nal) > 2 else None


FIRST_SLICE: dict[str, Callable[[bytes], bool | None]] = {
    "h264": _is_first_h264,
    "hevc": _is_first_hevc,
}


def goes_on_with_picture(data: bytes, codec: str) -> bool:
    """
    Tell whether the first slice in a packet is not the first one of its picture.

    Args:
        data: The packet, in Annex B's form.
        codec: FFmpeg's name of it; others than H.264 and H.265 never go on.
    """
    is_first = FIRST_SLICE.get(codec)
    told = map(is_first, heads(data, 0, 3)) if is_first is not None else ()
    begins = next((each for each in told if each is not None), True)
    return not begins
