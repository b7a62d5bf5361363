"""
JPEG pictures over HTTP: an endless stream of them, or one for each request.

Cameras agree on nothing but the pictures: some send no boundary before the first one, some call
them image/jpg, or nothing. So the stream is split where JPEG says that a picture begins and ends
(ISO/IEC 10918-1, annex B), and what stands between is passed over. FFmpeg only carries the bytes:
login, encryption, redirections and timeouts are then the same as for other cameras.
"""

import re
from collections.abc import Callable, Iterator
from errno import EIO
from typing import cast

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext

from edge.errors import SourceError
from edge.samples import CAMERA_PIXELS, Damaged, Passed, Pixels
from edge.sources.confined.bounds import decoding, jpeg_size, require_pixels

AS_BYTES = {"probesize": "32", "analyzeduration": "0", "raw_packet_size": "65536"}
"""FFmpeg's options with its format `data`: nothing is looked at, and nothing is waited for."""
START = b"\xff\xd8\xff"
"""Start of image, and the first byte of the next marker."""
HEADERS = re.compile(rb"[\t\r\n -~]{0,4096}\xff\xd8\xff")
"""What a JPEG stream begins with: text, or nothing, and then a picture."""
UNDECIDED = re.compile(rb"[\t\r\n -~]{0,4096}(\xff(\xd8)?)?\Z")
IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The next marker within compressed data: neither a stuffed byte, nor a restart, nor filling."""
START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN = 0xD8, 0xD9, 0xDA
LOWEST = 0xC0
"""No picture holds a lower marker (ISO/IEC 10918-1, table B.1)."""
LONGEST = 64_000_000
"""Bytes of one picture: more is no picture."""


def begins_with_jpeg(data: bytes) -> bool | None:
    """Tell by its first bytes whether an answer is JPEG; None when more of them are needed."""
    if HEADERS.match(data):
        return True
    return None if UNDECIDED.match(data) else False


class JpegSplitter:
    """Cuts bytes, as they come, into pictures."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._at = 0
        """Up to here the picture at the beginning of the data has been walked; 0 outside of one."""
        self._in_scan = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """
        Yield each picture that is complete; None for one that broke off.

        Raises:
            SourceError: A picture has no end.
        """
        self._data += data
        while self._find_start():
            end = self._walk()
            if end is None:
                break
            yield bytes(self._data[:end]) if end > 0 else None
            del self._data[: end or self._at]
            self._at, self._in_scan = 0, False
        if len(self._data) > LONGEST:
            raise SourceError("a picture of more than 64 MB has no end")

    def _find_start(self) -> bool:
        if self._at == 0:
            start = self._data.find(START)
            if start < 0:
                del self._data[: max(len(self._data) - len(START) + 1, 0)]
                return False
            del self._data[:start]
            self._at = 2
        return True

    def _walk(self) -> int | None:
        """Return where the picture ends, 0 if it breaks off at `_at`, None for more data."""
        while self._find_marker():
            marker = self._data[self._at + 1]
            if marker == END_OF_IMAGE:
                return self._at + 2
            if self._data[self._at] != 0xFF or marker == START_OF_IMAGE or marker < LOWEST:
                return 0
            length = self._data[self._at + 2 : self._at + 4]
            if len(length) < 2:
                return None
            self._in_scan = marker == START_OF_SCAN
            self._at += 2 + int.from_bytes(length, "big")
        return None

    def _find_marker(self) -> bool:
        """Go to the next marker; False when it has not come yet."""
        if self._in_scan:
            found = IN_SCAN.search(self._data, self._at)
            if found is None:
                self._at = max(self._at, len(self._data) - 1)
                return False
            self._at, self._in_scan = found.start(), False
        while self._data[self._at : self._at + 2] == b"\xff\xff":  # filling
            self._at += 1
        return self._at + 2 <= len(self._data)


class HttpAnswer:
    """The pictures in one answer of a camera."""

    def __init__(self, container: InputContainer, name: str) -> None:
        """Take a container opened with the format `data`, and its name in errors; read nothing."""
        self._name = name
        self._chunks = _chunks(container)
        self._first = b""
        self._decoder = _decoder()

    def is_jpeg(self) -> bool:
        """Read as much as is needed to know whether the answer holds JPEG pictures; once."""
        answer: bool | None = None
        while answer is None:
            chunk = next(self._chunks, b"")
            self._first += chunk
            answer = begins_with_jpeg(self._first) if chunk else False
        return answer

    @property
    def is_bare(self) -> bool:
        """Whether a picture begins with the first byte, so that it may be the only one."""
        return self._first.startswith(START)

    def pictures(self, wanted: Callable[[], bool]) -> Iterator[Pixels | Damaged | Passed]:
        """
        Yield pictures as they come, (height, width, 3) uint8 BGR.

        Args:
            wanted: Asked once for each picture: whether it is to be decoded.

        Raises:
            SourceError: A picture has no end, or more pixels than CAMERA_PIXELS.
        """
        splitter = JpegSplitter()
        for jpeg in splitter.feed(self._first):
            yield self._made(jpeg, wanted=wanted())
        for chunk in self._chunks:
            for jpeg in splitter.feed(chunk):
                yield self._made(jpeg, wanted=wanted())

    def _made(self, jpeg: bytes | None, *, wanted: bool) -> Pixels | Damaged | Passed:
        if jpeg is None:
            return Damaged()
        if not wanted:
            return Passed()
        pixels = self._decoded(jpeg)
        return Damaged() if pixels is None else pixels

    def _decoded(self, jpeg: bytes) -> Pixels | None:
        require_pixels(self._name, *(jpeg_size(jpeg) or (0, 0)), CAMERA_PIXELS)
        try:
            (frame,) = self._decoder.decode(av.Packet(jpeg))
        except (av.error.FFmpegError, ValueError):
            self._decoder = _decoder()
            return None
        if frame.is_corrupt:
            return None
        return cast("Pixels", frame.to_ndarray(format="bgr24", threads=1))


def _chunks(container: InputContainer) -> Iterator[bytes]:
    try:
        yield from (bytes(packet) for packet in container.demux() if packet.size)
    except av.error.OSError as error:
        # So FFmpeg calls the end of an answer that did not say how long it is.
        if error.errno != EIO:
            raise


def _decoder() -> VideoCodecContext:
    decoder = VideoCodecContext.create("mjpeg", "r")
    decoder.thread_count = 1
    decoder.options = decoding(CAMERA_PIXELS)
    return decoder
