"""Recorded video, whole pictures as people saw them, by FFmpeg through PyAV."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from edge.config.source import AS_STATED, Geometry
from edge.errors import SourceError
from edge.samples import PIXEL_BUDGET, Frame
from edge.sources.confined.bounds import (
    keep_words,
    last_words,
    of_files,
    require_moderate,
    require_pixels,
)
from edge.sources.decoding.choice import decoders
from edge.sources.decoding.decoder import VideoPacket, shown_at
from edge.sources.decoding.elements import DecoderChoice
from edge.sources.decoding.references import EachNth, Unreferred, length_bytes
from edge.sources.geometry import AsSeen, Picture
from edge.sources.whole_pictures import WholePictures
from engines.amounts import amount

METADATA_ERRORS = "replace"
"""What becomes of titles, names of cameras and the like that are not UTF-8; nobody reads them."""
OPTIONS = of_files(PIXEL_BUDGET)
USUAL_RATE = 25
"""Pictures a second of a stream that says nothing of it, as FFmpeg assumes it."""


def largest_video(container: InputContainer) -> VideoStream | None:
    """
    Return the video track with the most pixels: others are previews, or a cover.

    One of a codec that this FFmpeg cannot decode does not count, and even its size is not known.
    """
    tracks = [
        track
        for track in container.streams.video
        # PyAV's annotation promises one.
        if track.codec_context is not None  # type: ignore[redundant-expr]
        and not track.disposition & Disposition.attached_pic
    ]
    return max(tracks, key=lambda track: track.width * track.height, default=None)


def holds_video(path: Path) -> bool:
    """Tell by its content whether a file is a video; what FFmpeg takes for one picture is none."""
    try:
        with opened(path) as container:
            is_still = container.format.name.endswith("_pipe")
            return not is_still and largest_video(container) is not None
    except Exception:  # noqa: BLE001 -- foreign bytes; reading it says what is wrong
        return False


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Open a file; titles and the like may be in any encoding, and are not looked at."""
    keep_words()
    # Opened by us, since FFmpeg takes names in UTF-8 only, and addresses as well as paths.
    with (
        path.open("rb") as file,
        av.open(file, "r", options=OPTIONS, metadata_errors=METADATA_ERRORS) as container,
    ):
        yield container


def _nothing(_: SourceError) -> None:
    """Tell nobody."""


class VideoFile:
    """Yields every whole frame of a recorded video, as fast as the consumer takes them."""

    def __init__(
        self,
        path: Path,
        every: int = 1,
        geometry: Geometry = AS_STATED,
        damaged: Callable[[SourceError], None] = _nothing,
        decoder: DecoderChoice = "ffmpeg",
    ) -> None:
        """
        Keep the arguments; nothing is opened yet.

        Args:
            path: A video file that FFmpeg can read.
            every: Yield each n-th frame; at least 1.
            geometry: How its pictures become what people saw.
            damaged: Called at the end, when pictures were damaged and left out.
            decoder: What decodes it, as in the configuration.
        """
        self._path, self._every = path, every
        self._geometry, self._damaged = geometry, damaged
        self._decoder = decoder
        self.converting: Callable[[], AbstractContextManager[None]] = nullcontext
        """Makes what is entered while a decoded picture is made BGR."""
        self.name = path.name

    def frames(self) -> Iterator[Frame]:
        """
        Yield frames in order, `time_s` from the container's time stamps, else by its rate.

        Raises:
            SourceError: The file is missing, cut short before its index, of larger pictures than
                PIXEL_BUDGET, or holds no frame.
        """
        if not self._path.is_file():
            raise SourceError(f"{self._path}: no such video file")
        left_out: list[None] = []
        index = 0
        try:
            with opened(self._path) as container:
                for place, frame in self._read(container, lambda: left_out.append(None)):
                    if frame is not None:
                        yield frame
                    index = place + 1
        # Foreign code on foreign bytes: no list of what it raises was ever complete.
        except Exception as error:
            if index == 0:
                raise self._unread(error) from error
            read = amount(index, "picture")
            self._damaged(
                SourceError(f"{self._path}: cannot be read after {read}: {_words(error)}")
            )
        if index == 0:
            raise self._nothing_read("it holds no whole picture")
        if left_out:
            self._damaged(
                SourceError(f"{self._path}: {amount(len(left_out), 'damaged picture')} left out")
            )

    def _unread(self, error: Exception) -> SourceError:
        if isinstance(error, SourceError):
            words = str(error)  # a decoder does not know whose pictures it decodes
            is_named = words.startswith(f"{self._path}: ")
            return SourceError(words if is_named else f"{self._path}: {words}")
        require_moderate(self._path, last_words(error))
        return self._nothing_read(_words(error))

    def _nothing_read(self, why: str) -> SourceError:
        return SourceError(
            f"{self._path}: no frame could be read ({why}); "
            "the file is empty, cut short or not a video: play it with ffplay to see"
        )

    def _read(
        self, container: InputContainer, left_out: Callable[[], None]
    ) -> Iterator[tuple[int, Frame | None]]:
        """Yield for each picture its place, from 0, and its frame if it is one of each n-th."""
        track = largest_video(container)
        if track is None:
            raise ValueError("it has no video of a codec that is known here")
        require_pixels(self._path, track.width, track.height, PIXEL_BUDGET)
        start_s = float((track.start_time or 0) * (track.time_base or 0))
        rate = float(track.average_rate or track.guessed_rate or USUAL_RATE)
        # A bare H.264 or H.265 stream has pictures and no times; None would be a photograph. An AVI
        # counts its packets in the order of decoding: with B-frames its times would run backwards.
        untimed = container.format.name == "avi"
        pictures = WholePictures(track, left_out, decoders(track, self._decoder, PIXEL_BUDGET))
        seen = AsSeen(track, self._geometry, watched=self.converting)
        codec = "" if untimed else track.codec_context.name
        nth = EachNth(self._every, Unreferred(codec, length_bytes(track)))
        with closing(pictures):
            for whole in _whole(container.demux(track), pictures, seen, nth):
                stamp_s: float | None = whole.time
                place = nth.place(None if untimed else stamp_s)
                if place % self._every:
                    yield place, None
                    continue
                at_s = place / rate if untimed or stamp_s is None else stamp_s - start_s
                yield place, Frame(seen.pixels(whole), str(self._path), place, at_s)

    def frame_count(self) -> int | None:
        """Return the number of frames the container promises, None when it does not say."""
        try:
            with opened(self._path) as container:
                count = _promised(largest_video(container))
        except Exception:  # noqa: BLE001 -- foreign bytes; `frames` says why
            return None
        return -(-count // self._every) if count > 0 else None


def _whole(
    packets: Iterator[VideoPacket], pictures: WholePictures, seen: AsSeen, nth: EachNth
) -> Iterator[Picture]:
    """Yield the pictures in the order in which they are shown, without those that are passed."""
    for packet in packets:
        if nth.passes(bytes(packet), shown_at(packet), is_whole=pictures.is_whole):
            continue
        for picture in (*pictures.of(packet), *(() if packet.size else (None,))):
            yield from seen.whole(picture)


def _words(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or "damaged"


def _promised(track: VideoStream | None) -> int:
    if track is None:
        return 0
    if track.frames or not (track.duration and track.time_base and track.average_rate):
        return track.frames
    return round(track.duration * track.time_base * track.average_rate)
