"""By what a stream is decoded: as the configuration says, and what is there."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from av.video.stream import VideoStream

from edge.errors import SourceError
from edge.sources.decoding.decoder import Decoder, Decoders, FfmpegDecoders
from edge.sources.decoding.elements import CODECS, DecoderChoice, Elements, chosen
from edge.sources.decoding.gstreamer import GStreamerDecoder
from edge.sources.decoding.library import Library, load_gstreamer

log = logging.getLogger(__name__)

DEVICES = ("nvhost-nvdec", "v4l2-nvdec", "dri/renderD*")
"""Files in /dev of which one is there where something decodes in hardware."""
TRIES = 2
"""Decoders in a row that fail before their first picture: it is not the stream then."""


def has_device(root: Path = Path("/dev")) -> bool:
    """Tell whether it is worth to load GStreamer: whether there may be a decoder in hardware."""
    return any(True for pattern in DEVICES for _ in root.glob(pattern))


def prepare(choice: DecoderChoice) -> None:
    """
    Load what decodes before a camera is opened, which sends while we load.

    Raises:
        SourceError: It is to be GStreamer, which is missing.
    """
    if choice == "gstreamer":
        load_gstreamer()
    elif choice == "auto":
        for codec in CODECS:
            hardware(codec)


def decoders(stream: VideoStream, choice: DecoderChoice, budget: int) -> Decoders:
    """
    Return what makes the decoders of a stream.

    Args:
        stream: Of an open container, not decoded before.
        choice: As configured; with `auto` FFmpeg's, except where hardware decodes.
        budget: Largest width times height that is decoded.

    Raises:
        SourceError: It is to be GStreamer, which is missing, or has nothing for this codec.
    """
    found = _taken(choice, stream.codec_context.name)
    if found is None:
        return FfmpegDecoders(stream, budget)
    library, elements = found
    return GStreamerDecoders(library, stream, elements, budget, must=choice == "gstreamer")


def _taken(choice: DecoderChoice, codec: str) -> tuple[Library, Elements] | None:
    """Return GStreamer and what decodes a codec in it; None where FFmpeg does."""
    if choice == "gstreamer":
        library = load_gstreamer()
        return library, required(library, codec)
    return hardware(codec) if choice == "auto" else None


def required(library: Library, codec: str) -> Elements:
    """
    Return the best elements that are there.

    Raises:
        SourceError: There are none.
    """
    elements = chosen(codec, library.has)
    if elements is None:
        raise SourceError(
            f"decoder: gstreamer has no element here that decodes {_words(codec)}; "
            "see what there is with: gst-inspect-1.0 | grep -i dec, or set decoder: auto"
        )
    return elements


def _words(codec: str) -> str:
    return CODECS[codec].words if codec in CODECS else codec


def hardware(codec: str) -> tuple[Library, Elements] | None:
    """Return GStreamer and what decodes a codec in hardware; None if nothing does, or says so."""
    if codec not in CODECS or not has_device():
        return None
    try:
        library = load_gstreamer()
    except SourceError:
        return None
    elements = chosen(codec, library.has, hardware_only=True)
    return None if elements is None else (library, elements)


class GStreamerDecoders:
    """Makes GStreamer's decoders for one stream; FFmpeg's when these do not work."""

    def __init__(
        self,
        library: Library,
        stream: VideoStream,
        elements: Elements,
        budget: int,
        *,
        must: bool,
    ) -> None:
        """
        Prepare.

        Args:
            library: GStreamer.
            stream: Of an open container, not decoded before.
            elements: That are there.
            budget: Largest width times height that is decoded.
            must: Whether it is an error if they do not work.
        """
        self._library, self._stream, self._elements = library, stream, elements
        self._budget, self._must = budget, must
        self._last: GStreamerDecoder | None = None
        self._failures = 0

    def __call__(self) -> Decoder:
        """
        Return a new one.

        Raises:
            SourceError: It must be GStreamer's, which fails again and again.
        """
        if self._last is not None and self._last.error:
            self._failures = 0 if self._last.gave else self._failures + 1
            if self._failures >= TRIES:
                return self._other(self._last.error)
        try:
            self._last = GStreamerDecoder(self._library, self._stream, self._elements, self._budget)
        except Exception as error:  # noqa: BLE001 -- GLib.Error, which has no name before it is loaded
            return self._other(str(error))
        return self._last

    def _other(self, why: str) -> Decoder:
        words = f"GStreamer's {self._elements.name} makes no picture of this stream: {why}"
        if self._must:
            raise SourceError(f"{words}; set decoder: auto, or ffmpeg")
        log.warning("%s; FFmpeg decodes it on the processor", words)
        self._failures = TRIES
        return FfmpegDecoders(self._stream, self._budget)()


@dataclass(frozen=True, slots=True)
class Taken:
    """What would decode a codec here."""

    words: str
    """The codec's name for people."""
    decoder: str
    """FFmpeg, or GStreamer's element; empty where there is none."""
    is_hardware: bool = False


def choices(choice: DecoderChoice, codecs: Iterable[str] = tuple(CODECS)) -> Iterator[Taken]:
    """
    Yield for each codec what would decode it; nothing is decoded.

    Args:
        choice: As configured.
        codecs: FFmpeg's names, of those in `CODECS`.

    Raises:
        SourceError: It is to be GStreamer, which is missing.
    """
    for codec in codecs:
        words = CODECS[codec].words
        if choice == "gstreamer":
            elements = chosen(codec, load_gstreamer().has)
            yield (
                Taken(words, elements.name, elements.is_hardware) if elements else Taken(words, "")
            )
            continue
        found = _taken(choice, codec)
        yield Taken(words, found[1].name, is_hardware=True) if found else Taken(words, "FFmpeg")
