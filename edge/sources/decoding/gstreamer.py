"""
Pictures of packets by GStreamer, for its decoders in hardware.

Packets come from FFmpeg, which reads cameras and files whatever decodes them: so login, encryption,
redirections, timeouts, gaps and time stamps are the same, and no pipeline ever knows an address.
Pictures come out in the form in which they were decoded, and FFmpeg converts them as its own.
"""

from collections import deque
from typing import Any

import av
from av.video.stream import VideoStream

from edge.sources.confined.bounds import decoding as bounds
from edge.sources.confined.bounds import last_words, require_moderate, require_pixels
from edge.sources.decoding.decoder import UndecodableError, VideoPacket, shown_at
from edge.sources.decoding.elements import CODECS, RAW, Elements, decoding
from edge.sources.decoding.library import Library
from edge.sources.decoding.references import extradata_of, is_annex_b, without_repeats
from edge.sources.decoding.sample import Sample, Stated
from edge.sources.geometry import Picture, turn_of
from engines.amounts import amount

_NS = 1_000_000_000
SHIFT_NS = 3600 * _NS
"""Added to times, of which some are below zero; GStreamer's are not."""
PATIENCE_S = 0.1
"""For a picture that should be ready; afterwards the decoder is believed to hold so many back."""
LAST_S = 2.0
"""For each of the last pictures, which come when the stream has ended."""
MOST_HELD = 40
"""Pictures that went in and did not come out: H.264 and H.265 let a decoder hold 16."""
REMEMBERED = 32
"""Packets over which it is remembered how many pictures a decoder holds back."""


def caps_of(stream: VideoStream) -> str:
    """Return the caps of a stream's packets, as they come from FFmpeg."""
    codec = stream.codec_context.name
    if codec == "mjpeg":
        return CODECS[codec].caps
    if is_annex_b(stream):
        return f"{CODECS[codec].caps},stream-format=byte-stream,alignment=au"
    form = {"h264": "avc", "hevc": "hvc1"}[codec]
    # Parameter sets that stand in the head of a file, as MP4 has them.
    data = f"codec_data=(buffer){extradata_of(stream).hex()}"
    return f"{CODECS[codec].caps},stream-format={form},alignment=au,{data}"


class GStreamerDecoder:
    """Decodes one stream from a key frame on, in a pipeline between two queues."""

    tells_damage = False

    def __init__(
        self, library: Library, stream: VideoStream, elements: Elements, budget: int
    ) -> None:
        """
        Start the pipeline.

        Args:
            library: GStreamer.
            stream: Of an open container, of one of CODECS.
            elements: That are there.
            budget: Largest width times height that is decoded.
        """
        self._library, self._stream, self._budget = library, stream, budget
        self.name, self.error = stream.codec_context.name, ""
        self.gave, self.waited_s = 0, 0.0
        self._held: deque[tuple[int, float | None]] = deque()
        self._usual: deque[int] = deque(maxlen=REMEMBERED)
        self._delay = 0
        self._stated = Stated()
        self._began = False
        # Parameter sets that a camera tells before its packets, and may not repeat in them.
        self._is_annex_b = is_annex_b(stream) and self.name != "mjpeg"
        self._before = extradata_of(stream) if self._is_annex_b else b""
        self._too_large: tuple[int, int] | None = None
        self._start(decoding(self.name, elements))

    def _start(self, middle: str) -> None:
        gst = self._library.gst
        self._pipeline = gst.parse_launch(
            f"appsrc name=packets format=time max-bytes=0 ! {middle} "
            f"! {RAW} ! appsink name=pictures sync=false"
        )
        self._packets = self._pipeline.get_by_name("packets")
        self._packets.set_property("caps", gst.Caps.from_string(caps_of(self._stream)))
        self._pictures = self._pipeline.get_by_name("pictures")
        decoder = self._pipeline.get_by_name("decoder")
        if decoder.find_property("disable-dpb") and not self.reorders():
            decoder.set_property("disable-dpb", True)  # NVIDIA's: else each waits for several
        kinds = gst.PadProbeType.EVENT_DOWNSTREAM | gst.PadProbeType.BUFFER
        self._pad = decoder.get_static_pad("sink")
        self._probe = self._pad.add_probe(kinds, self._let_in)
        self._pipeline.set_state(gst.State.PLAYING)

    def _let_in(self, _: Any, probe: Any) -> Any:
        """Keep what is too large from the decoder; in a thread of GStreamer's."""
        gst = self._library.gst
        event = probe.get_event() if probe.type & gst.PadProbeType.EVENT_DOWNSTREAM else None
        if event is not None and event.type == gst.EventType.CAPS:
            stated = event.parse_caps().get_structure(0)
            sides = [stated.get_int(side)[1] for side in ("width", "height")]
            is_large = sides[0] * sides[1] > self._budget
            self._too_large = (sides[0], sides[1]) if is_large else None
        drop, ok = gst.PadProbeReturn.DROP, gst.PadProbeReturn.OK
        return drop if self._too_large and event is None else ok

    def decode(self, packet: VideoPacket) -> list[Picture]:
        """
        Return the pictures that are ready.

        Raises:
            UndecodableError: GStreamer says so, or gives nothing.
            SourceError: Pictures are larger than the budget.
        """
        if not packet.size:
            return self._rest()
        if not self._began:
            if not packet.is_keyframe:
                return []
            self._begin(packet)
        data = bytes(packet)
        if packet.is_keyframe and self._is_annex_b:
            data = without_repeats(data, self.name)
        self._push(data, packet)
        return self._ready()

    def _begin(self, packet: VideoPacket) -> None:
        """Let FFmpeg decode the first key frame, for what it knows of the stream and we do not."""
        context = self._stream.codec_context
        if not context.is_open:
            context.thread_count = 1
            context.options = bounds(self._budget)
        try:
            like = [*context.decode(packet), *context.decode(None)][0]
            context.flush_buffers()
        except (av.error.FFmpegError, IndexError) as error:
            require_moderate("the video", last_words(error))
            raise UndecodableError(str(error)) from None
        self._stated = Stated(turn_of(like), int(like.color_range), int(like.colorspace))
        self._began = True

    def _push(self, data: bytes, packet: VideoPacket) -> None:
        gst = self._library.gst
        data, self._before = self._before + data, b""
        buffer = gst.Buffer.new_wrapped(data)
        time_s = shown_at(packet)
        if time_s is not None:
            buffer.pts = SHIFT_NS + round(time_s * _NS)
        self._held.append((buffer.pts, time_s))
        if self._packets.emit("push-buffer", buffer) != gst.FlowReturn.OK:
            self._require_sound()
            raise self._failed("it takes no more packets")

    def _ready(self) -> list[Picture]:
        """Return what is there; wait only if fewer pictures than usual would be held back."""
        ready: list[Picture] = []
        while (sample := self._pulled(0)) is not None:
            ready.append(sample)
        while len(self._held) > self._delay:
            sample = self._pulled(PATIENCE_S)
            if sample is None:
                self._delay = len(self._held)
                self.waited_s += PATIENCE_S
                break
            ready.append(sample)
        self._usual.append(len(self._held))
        if len(self._usual) == REMEMBERED:
            self._delay = max(self._usual)
        if len(self._held) > MOST_HELD:
            raise self._failed(
                f"{amount(len(self._held), 'packet')} went in, and no picture came out"
            )
        return ready

    def _rest(self) -> list[Picture]:
        self._packets.emit("end-of-stream")
        rest: list[Picture] = []
        while self._held and (sample := self._pulled(LAST_S)) is not None:
            rest.append(sample)
        return rest

    def _pulled(self, seconds: float) -> Sample | None:
        sample = self._pictures.emit("try-pull-sample", round(seconds * _NS))
        if sample is None:
            self._require_sound()
            return None
        self.gave += 1
        return Sample(self._library, sample, self._time(sample.get_buffer().pts), self._stated)

    def _time(self, pts: int) -> float | None:
        """Return when a picture is shown; what was to be shown before it never comes."""
        untimed = self._library.gst.CLOCK_TIME_NONE
        if not self._held or self._held[0][0] == untimed or pts == untimed:
            return self._held.popleft()[1] if self._held else None
        times = dict(self._held)
        self._held = deque(held for held in self._held if held[0] > pts)
        return times.get(pts, (pts - SHIFT_NS) / _NS)

    def _require_sound(self) -> None:
        if self._too_large is not None:
            require_pixels("the video", *self._too_large, self._budget)
        gst = self._library.gst
        message = self._pipeline.get_bus().pop_filtered(gst.MessageType.ERROR)
        if message is not None:
            raise self._failed(message.parse_error()[0].message)

    def _failed(self, words: str) -> UndecodableError:
        self.error = words
        return UndecodableError(words)

    def reorders(self) -> bool:
        """Tell whether pictures are sent in another order than shown."""
        return bool(self._stream.codec_context.has_b_frames)

    def close(self) -> None:
        """End the pipeline."""
        self._pipeline.set_state(self._library.gst.State.NULL)
        if self._probe:
            # It holds us, and we hold it: no garbage collector looks through GStreamer.
            self._pad.remove_probe(self._probe)
            self._probe = 0
