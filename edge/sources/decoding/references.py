"""Which pictures no other one refers to, by the heads of their NAL units."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from av.video.stream import VideoStream

START_CODE = b"\x00\x00\x01"
SLICES_H264 = range(1, 6)
SLICES_HEVC = range(32)
LAST_OF_PAIRS = 14
"""H.265: up to here even types are sub-layer non-reference pictures, odd ones are referred to."""


def heads(data: bytes, length_bytes: int, size: int = 2) -> Iterator[bytes]:
    """
    Yield the first bytes of each NAL unit of a packet.

    Args:
        data: The packet.
        length_bytes: Of the length before each unit, as in MP4; 0 for start codes, as in Annex B.
        size: How many bytes; there are fewer at the end of the packet.
    """
    if length_bytes:
        at = 0
        while at + length_bytes < len(data):
            start = at + length_bytes
            yield data[start : start + size]
            at = start + int.from_bytes(data[at:start], "big")
        return
    at = data.find(START_CODE)
    while 0 <= at < len(data) - len(START_CODE):
        yield data[at + 3 : at + 3 + size]
        at = data.find(START_CODE, at + 3)


def without_repeats(data: bytes, codec: str) -> bytes:
    """
    Return a picture without what stands between its slices.

    There are cameras that repeat parameter sets before each slice of a key frame, with which other
    parsers than FFmpeg's let a picture end.

    Args:
        data: Of one picture, in Annex B's form.
        codec: FFmpeg's name of it, H.264's or H.265's.
    """
    last = {"h264": SLICES_H264, "hevc": SLICES_HEVC}[codec]
    kept, began = [], False
    for part in data.split(START_CODE)[1:]:
        kind = (part[0] & 31 if codec == "h264" else part[0] >> 1 & 63) if part else 0
        began = began or kind in last
        if kind in last or not began:
            kept.append(part)
    return START_CODE + START_CODE.join(kept)


def extradata_of(stream: VideoStream) -> bytes:
    """Return what a stream says of itself before its packets."""
    return bytes(stream.codec_context.extradata or b"")


def is_annex_b(stream: VideoStream) -> bool:
    """Tell whether its packets hold start codes, as from RTP and MPEG-TS, not lengths as MP4."""
    return extradata_of(stream)[:1] in (b"", b"\0")


def length_bytes(stream: VideoStream) -> int:
    """Return how many bytes of length stand before each unit (ISO/IEC 14496-15, 5.3.3, 8.3.3)."""
    extradata = extradata_of(stream)
    at = {"h264": 4, "hevc": 21}.get(stream.codec_context.name, 0)
    return 0 if len(extradata) <= at or is_annex_b(stream) else (extradata[at] & 3) + 1


class Unreferred:
    """Tells of the packets of one stream whether another picture refers to theirs."""

    def __init__(self, codec: str, length_bytes: int = 0) -> None:
        """
        Prepare.

        Of H.265 only pictures of the highest temporal sub-layer seen so far count: those of a
        higher one may refer to a "non-reference" picture of a lower one.

        Args:
            codec: FFmpeg's name of it; of others than H.264, H.265 and Motion JPEG, in which no
                picture refers to another one, nothing is told.
            length_bytes: As in `heads`.
        """
        self._told = {"h264": self._h264, "hevc": self._hevc}.get(codec)
        self._never = codec == "mjpeg"
        self.is_known = self._never or self._told is not None
        """Whether anything is told of this codec."""
        self._length_bytes = length_bytes
        self._highest = 0

    def holds(self, data: bytes) -> bool:
        """Tell whether a packet holds such a picture and nothing else."""
        if self._told is None:
            return self._never and bool(data)
        told = [self._told(unit) for unit in heads(data, self._length_bytes)]
        slices = [each for each in told if each is not None]
        return bool(slices) and all(slices)

    def _h264(self, unit: bytes) -> bool | None:
        """Tell it of one NAL unit: nal_ref_idc is 0 (H.264, 7.4.1); None if it is no slice."""
        if not unit or unit[0] & 31 in (7, 8):  # parameter sets, which later pictures need
            return False
        return not unit[0] & 0x60 if unit[0] & 31 in SLICES_H264 else None

    def _hevc(self, unit: bytes) -> bool | None:
        """Tell the same of H.265 (7.4.2.2, table 7-1)."""
        kind = unit[0] >> 1 & 63 if len(unit) > 1 else 32
        if kind in (32, 33, 34):  # parameter sets
            return False
        if kind not in SLICES_HEVC:
            return None
        layer = (unit[1] & 7) - 1
        self._highest = max(self._highest, layer)
        return kind <= LAST_OF_PAIRS and kind % 2 == 0 and layer == self._highest


SAME_S = 1e-5
"""Times that differ by less are the same, in another unit: no two pictures are so close."""


class EachNth:
    """
    Which packets of a recording need not be decoded when each n-th picture is wanted.

    What is shown is the same as if all were decoded: a picture is left out only when no other one
    refers to it, and its place among the pictures, in the order in which they are shown, is known.
    """

    def __init__(self, every: int, unreferred: Unreferred) -> None:
        """Want the pictures whose place is a multiple of `every`, from 0."""
        self._every, self._unreferred = every, unreferred
        self._next = 0
        self._ahead: list[float] = []
        """Presentation times of packets whose pictures were not shown yet, ascending."""
        self._passed: list[float] = []
        """Those of them that are not decoded."""

    def passes(self, data: bytes, time_s: float | None, *, is_whole: bool) -> bool:
        """
        Take note of the next packet; return whether it need not be decoded.

        Args:
            data: The packet.
            time_s: Its presentation time; what has none is decoded.
            is_whole: Whether no damage is being waited out.
        """
        if time_s is None or self._every == 1 or not self._unreferred.is_known:
            return False
        place = self._next + bisect_left(self._ahead, time_s - SAME_S)
        insort(self._ahead, time_s)
        passes = is_whole and place % self._every != 0 and self._unreferred.holds(data)
        if passes:
            insort(self._passed, time_s)
        return passes

    def place(self, time_s: float | None) -> int:
        """Return the place, from 0, of the picture that is shown next, those passed included."""
        if time_s is not None:
            passed = bisect_left(self._passed, time_s - SAME_S)
            del self._passed[:passed], self._ahead[: bisect_left(self._ahead, time_s + SAME_S)]
            self._next += passed
        self._next += 1
        return self._next - 1
