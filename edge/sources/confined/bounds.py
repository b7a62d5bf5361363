"""
What may come in from outside, held before anything is decoded.

Sizes are read where a stream states them: parameter sets, container, JPEG's frame header. FFmpeg's
decoders get the budget too, for streams that state another size later on, and its demuxers are
those that the address or the file may bring: a playlist that arrives instead of video would open
addresses and files of its own.
"""

import logging
import re
from typing import cast

import av
import av.logging

from edge.config.source import SourceSettings
from edge.errors import SourceError
from edge.samples import CAMERA_PIXELS

HTTP_FORMATS = "flv,mpegts,matroska,mov,h264,hevc"
"""Demuxers of live video over HTTP; JPEG is cut out of the answer by `http_jpeg`."""
FILE_FORMATS = (
    "asf,avi,dhav,dv,flv,gif,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mpeg,mpegts,mpegvideo,mpjpeg,mxf,"
    "nut,obu,ogg,rm,wtv,yuv4mpegpipe"
)
"""Demuxers of recordings: those that read the file which they are given, and nothing else."""
HTTP_PROTOCOLS = "http,https,httpproxy,tls,tcp"
PROTOCOLS = {
    "http": HTTP_PROTOCOLS,
    "https": "https,httpproxy,tls,tcp",
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsps,tls,tcp",
}
"""FFmpeg's protocols for each scheme; from an encrypted address none leads to a plain one."""

_TOO_LARGE = re.compile(r"Picture size (\d+)x(\d+) exceeds specified max pixel count (\d+)")
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG's frame header (ISO/IEC 10918-1, table B.1)."""


def decoding(budget: int) -> dict[str, str]:
    """Return the options of FFmpeg's decoders for pictures of at most so many pixels."""
    return {"max_pixels": str(budget)}


def carried(settings: SourceSettings) -> dict[str, str]:
    """Return FFmpeg's options for what the address of a network camera may bring."""
    return {"protocol_whitelist": PROTOCOLS[settings.uri.scheme]} | decoding(CAMERA_PIXELS)


def of_files(budget: int) -> dict[str, str]:
    """Return FFmpeg's options for a recording."""
    only_this_file = {"format_whitelist": FILE_FORMATS, "protocol_whitelist": "none"}
    return only_this_file | decoding(budget)


def require_pixels(what: object, width: int, height: int, budget: int) -> None:
    """
    Hold a stated size against the budget.

    Raises:
        SourceError: It is larger.
    """
    if width * height > budget:
        raise SourceError(
            f"{what}: pictures of {width} x {height} pixels are more than the {budget:,} allowed; "
            "let the camera send a smaller picture (its second stream), or shrink the file"
        )


def require_moderate(what: object, words: str) -> None:
    """
    Look in FFmpeg's words for a picture that its decoder refused for its size.

    Raises:
        SourceError: There is one.
    """
    found = _TOO_LARGE.search(words)
    if found is not None:
        width, height, budget = map(int, found.groups())
        require_pixels(what, width, height, budget)


def last_words(error: Exception) -> str:
    """Return what FFmpeg said of an error, if it is one of FFmpeg's."""
    log = cast("tuple[int, str, str] | None", getattr(error, "log", None))
    return "" if log is None else log[2]


def keep_words() -> None:
    """Let FFmpeg say what is wrong to us, and not to the log: what matters is told in our words."""
    av.logging.set_level(av.logging.WARNING)
    av.logging.set_skip_repeated(False)  # two gaps of one packet each are told in the same words
    logging.getLogger("libav").setLevel(logging.CRITICAL + 1)


def jpeg_size(jpeg: bytes) -> tuple[int, int] | None:
    """Return width and height as a JPEG states them; None if it states none before its pixels."""
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == 0xFF:  # filling
            at += 1
        elif marker in _SIZES:
            height, width = jpeg[at + 5 : at + 7], jpeg[at + 7 : at + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return None
