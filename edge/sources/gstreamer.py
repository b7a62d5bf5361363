"""
Cameras that a GStreamer pipeline opens itself: CSI cameras, and USB cameras decoded in hardware.

A CSI camera's picture only NVIDIA's elements reach. Of a USB camera's Motion JPEG those pictures
are decoded that are wanted.
"""

import math
import time
from collections import deque
from collections.abc import Generator, Iterator
from typing import Any

from edge.config.source import SourceSettings
from edge.errors import SourceError
from edge.samples import CAMERA_PIXELS, Frame, Passed, Pixels
from edge.sources.clock import stamped
from edge.sources.confined.bounds import require_pixels
from edge.sources.decoding.choice import required
from edge.sources.decoding.demand import Demand
from edge.sources.decoding.elements import RAW, Elements, decoding
from edge.sources.decoding.library import Library, load_gstreamer
from edge.sources.decoding.sample import Sample, stated_by
from edge.sources.geometry import as_seen

_SINK = "appsink name=frames max-buffers=1 drop=true sync=false"
_QUEUE = "queue leaky=2 max-size-buffers=1"
"""It keeps a camera from waiting for a slow reader."""
_NS = 1_000_000_000
ENDED = "the pipeline has ended"
_LOOK_S = 0.1


def _wishes(settings: SourceSettings) -> str:
    wanted = ""
    if settings.width is not None:
        wanted += f",width={settings.width},height={settings.height}"
    return wanted if settings.fps is None else f"{wanted},framerate={settings.fps}/1"


def csi_pipeline(settings: SourceSettings) -> str:
    """Return the pipeline of a csi:// source up to pictures in ordinary memory."""
    wanted = f"video/x-raw(memory:NVMM),format=NV12{_wishes(settings)}"
    sensor = settings.uri.sensor
    return f"nvarguscamerasrc sensor-id={sensor} ! {wanted} ! {_QUEUE} ! nvvidconv"


def usb_pipelines(settings: SourceSettings, elements: Elements) -> tuple[str, str]:
    """Return the pipelines of a v4l2:// source: for Motion JPEG, and for one without it."""
    wishes = _wishes(settings)
    return (
        f"v4l2src name=camera ! image/jpeg{wishes} ! {_QUEUE} ! {decoding('mjpeg', elements)}",
        # Uncompressed pictures of 720p do not fit through USB 2 at a useful rate.
        f"v4l2src name=camera ! video/x-raw{wishes} ! {_QUEUE}",
    )


class GStreamerUsbCamera:
    """A camera of Video4Linux whose Motion JPEG an element of GStreamer decodes."""

    def __init__(self, settings: SourceSettings, demand: Demand | None = None) -> None:
        """Keep the settings of a v4l2:// source; nothing is opened or loaded yet."""
        self._settings, self._demand = settings, demand or Demand()

    def frames(self) -> Iterator[Frame | Passed]:
        """
        Yield fresh frames; `time_s` is the presentation time in the pipeline.

        Raises:
            SourceError: GStreamer or an element is missing; the camera cannot be opened, was
                unplugged, or gave no frame in time.
        """
        elements = required(load_gstreamer(), "mjpeg")
        compressed, plain = usb_pipelines(self._settings, elements)
        came = False
        try:
            for frame in self._frames(compressed):
                came = True
                yield frame
        except SourceError:
            if came or not self._settings.uri.path.exists():
                raise
            yield from self._frames(plain)

    def _frames(self, pipeline: str) -> Iterator[Frame | Passed]:
        return GStreamerCamera(self._settings, pipeline, self._demand).frames()


class GStreamerCamera:
    """A pipeline that ends in pictures; each call of `frames()` starts it anew."""

    def __init__(
        self, settings: SourceSettings, pipeline: str, demand: Demand | None = None
    ) -> None:
        """
        Keep the arguments; GStreamer is not loaded yet.

        Args:
            settings: Name and timeouts; of a v4l2:// source the device of the element `camera`.
            pipeline: In the language of gst-launch-1.0, without a sink. What an element `decoder`
                need not decode is kept from it.
            demand: Which pictures are wanted; all, if not given.
        """
        self._settings = settings
        self._demand = demand or Demand()
        self._description = f"{pipeline} ! {RAW} ! {_SINK}"
        # Filled by a thread of GStreamer's while ours empties it.
        self._passed: deque[Passed] = deque()

    def frames(self) -> Iterator[Frame | Passed]:
        """
        Yield the newest frame each time; `time_s` is the presentation time in the pipeline.

        Raises:
            SourceError: GStreamer or an element is missing; the pipeline failed, ended or gave no
                frame in time.
        """
        library = load_gstreamer()
        pipeline = self._start(library.gst)
        try:
            yield from self._pull(library, pipeline)
        finally:
            pipeline.set_state(library.gst.State.NULL)

    def _start(self, gst: Any) -> Any:
        try:
            pipeline = gst.parse_launch(self._description)
        except Exception as error:  # GLib.Error, which cannot be named before it is loaded
            raise SourceError(
                f"{self._settings.uri}: GStreamer cannot make the pipeline: {error}; see which "
                "element is missing with: gst-inspect-1.0 nvarguscamerasrc"
            ) from error
        camera, decoder = map(pipeline.get_by_name, ("camera", "decoder"))
        if camera is not None and self._settings.uri.scheme == "v4l2":
            camera.set_property("device", str(self._settings.uri.path))
        if decoder is not None:
            pad = decoder.get_static_pad("sink")
            pad.add_probe(gst.PadProbeType.BUFFER, lambda *_: self._let_in(gst))
        pipeline.set_state(gst.State.PLAYING)
        return pipeline

    def _let_in(self, gst: Any) -> Any:
        """Keep what is not wanted from the decoder; in a thread of GStreamer's."""
        if self._demand.came():
            return gst.PadProbeReturn.OK
        self._passed.append(Passed())
        return gst.PadProbeReturn.DROP

    def _pull(self, library: Library, pipeline: Any) -> Iterator[Frame | Passed]:
        is_decoded = pipeline.get_by_name("decoder") is not None
        timeout_s, index, since_s = self._settings.open_timeout, 0, time.monotonic()
        while True:
            sample = yield from self._sample(library.gst, pipeline, timeout_s)
            timeout_s = self._settings.read_timeout
            if not is_decoded and not self._demand.came():
                yield Passed()
                continue
            stamp = sample.get_buffer().pts
            time_s = None if stamp == library.gst.CLOCK_TIME_NONE else stamp / _NS
            pixels = self._pixels(library, sample)
            yield Frame(pixels, self._settings.name, index, stamped(time_s, since_s))
            index += 1

    def _pixels(self, library: Library, sample: Any) -> Pixels:
        picture = Sample(library, sample, None, stated_by(library, sample))
        require_pixels(self._settings.uri, *picture.size, CAMERA_PIXELS)
        return as_seen(picture.bgr(), self._settings.geometry)

    def _sample(self, gst: Any, pipeline: Any, timeout_s: float) -> Generator[Passed, None, Any]:
        """Yield what was kept from the decoder meanwhile; return what it gave."""
        sink = pipeline.get_by_name("frames")
        # A pipeline that failed wakes nobody who waits for a sample, so look at it now and then.
        left = looks = math.ceil(timeout_s / _LOOK_S)
        while left:
            sample = sink.emit("try-pull-sample", round(_LOOK_S * _NS))
            came = bool(self._passed)
            while self._passed:
                yield self._passed.popleft()
            if sample is not None:
                return sample
            left = looks if came else left - 1
            # At its end a sink returns at once, before the message of the end is on the bus.
            reason = _reason(gst, pipeline) or (ENDED if sink.get_property("eos") else None)
            if reason is not None:
                raise SourceError(f"{self._settings.uri}: {reason}")
        raise SourceError(f"{self._settings.uri}: no frame for {timeout_s:g} s")


def _reason(gst: Any, pipeline: Any) -> str | None:
    message = pipeline.get_bus().pop_filtered(gst.MessageType.ERROR | gst.MessageType.EOS)
    if message is None:
        return None
    if message.type == gst.MessageType.EOS:
        return ENDED
    error, _ = message.parse_error()
    return f"the pipeline failed: {error.message}"
