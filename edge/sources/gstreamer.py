"""Frames of a GStreamer pipeline: CSI cameras on a Jetson, which only NVIDIA's elements reach."""

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from edge.config.source import SourceSettings
from edge.errors import SourceError
from edge.samples import Frame, Passed, Pixels
from edge.sources.clock import stamped
from edge.sources.decoding.demand import Demand
from edge.sources.decoding.library import load_gstreamer
from edge.sources.geometry import as_seen

_SINK = "appsink name=frames max-buffers=1 drop=true sync=false"
_NS = 1_000_000_000
ENDED = "the pipeline has ended"
_LOOK_S = 0.1


def csi_pipeline(settings: SourceSettings) -> str:
    """Return the pipeline of a csi:// source up to BGR pictures, without its end."""
    wanted = "video/x-raw(memory:NVMM),format=NV12"
    if settings.width is not None:
        wanted += f",width={settings.width},height={settings.height}"
    if settings.fps is not None:
        wanted += f",framerate={settings.fps}/1"
    # nvvidconv cannot make BGR itself. The queue keeps the camera from waiting for a slow reader.
    return (
        f"nvarguscamerasrc sensor-id={settings.uri.sensor} ! {wanted} ! queue leaky=2 "
        "max-size-buffers=1 ! nvvidconv ! video/x-raw,format=BGRx ! videoconvert"
    )


class GStreamerCamera:
    """A pipeline that ends in BGR pictures; each call of `frames()` starts it anew."""

    def __init__(
        self, settings: SourceSettings, pipeline: str, demand: Demand | None = None
    ) -> None:
        """
        Keep the arguments; GStreamer is not loaded yet.

        Args:
            settings: Name and timeouts.
            pipeline: In the language of gst-launch-1.0, without a sink.
            demand: Which pictures are wanted; all, if not given.
        """
        self._settings = settings
        self._demand = demand or Demand()
        self._description = f"{pipeline} ! video/x-raw,format=BGR ! {_SINK}"

    def frames(self) -> Iterator[Frame | Passed]:
        """
        Yield the newest frame each time; `time_s` is the presentation time in the pipeline.

        Raises:
            SourceError: GStreamer or an element is missing; the pipeline failed, ended or gave no
                frame in time.
        """
        gst = load_gstreamer().gst
        pipeline = self._start(gst)
        try:
            yield from self._pull(gst, pipeline)
        finally:
            pipeline.set_state(gst.State.NULL)

    def _start(self, gst: Any) -> Any:
        try:
            pipeline = gst.parse_launch(self._description)
        except Exception as error:  # GLib.Error, which cannot be named before it is loaded
            raise SourceError(
                f"{self._settings.uri}: GStreamer cannot make the pipeline: {error}; see which "
                "element is missing with: gst-inspect-1.0 nvarguscamerasrc"
            ) from error
        pipeline.set_state(gst.State.PLAYING)
        return pipeline

    def _pull(self, gst: Any, pipeline: Any) -> Iterator[Frame | Passed]:
        timeout_s, index, since_s = self._settings.open_timeout, 0, time.monotonic()
        while True:
            sample = self._sample(gst, pipeline, timeout_s)
            if not self._demand.came():
                yield Passed()
                continue
            stamp = sample.get_buffer().pts
            time_s = None if stamp == gst.CLOCK_TIME_NONE else stamp / _NS
            pixels = as_seen(_pixels(gst, sample), self._settings.geometry)
            yield Frame(pixels, self._settings.name, index, stamped(time_s, since_s))
            timeout_s = self._settings.read_timeout
            index += 1

    def _sample(self, gst: Any, pipeline: Any, timeout_s: float) -> Any:
        sink = pipeline.get_by_name("frames")
        # A pipeline that failed wakes nobody who waits for a sample, so look at it now and then.
        for _ in range(math.ceil(timeout_s / _LOOK_S)):
            sample = sink.emit("try-pull-sample", round(_LOOK_S * _NS))
            if sample is not None:
                return sample
            # At its end a sink returns at once, before the message of the end is on the bus.
            reason = _reason(gst, pipeline) or (ENDED if sink.get_property("eos") else None)
            if reason is not None:
                raise SourceError(f"{self._settings.uri}: {reason}")
        raise SourceError(f"{self._settings.uri}: no frame for {timeout_s:g} s")


def _pixels(gst: Any, sample: Any) -> Pixels:
    layout = sample.get_caps().get_structure(0)
    width, height = layout.get_value("width"), layout.get_value("height")
    buffer = sample.get_buffer()
    mapped, memory = buffer.map(gst.MapFlags.READ)
    if not mapped:
        raise SourceError("GStreamer did not let a picture be read; the memory may be exhausted")
    try:
        rows = np.frombuffer(memory.data, np.uint8).reshape(height, -1)
        # Rows are padded to whole words; the copy outlives the buffer.
        return rows[:, : width * 3].reshape(height, width, 3).copy()
    finally:
        buffer.unmap(memory)


def _reason(gst: Any, pipeline: Any) -> str | None:
    message = pipeline.get_bus().pop_filtered(gst.MessageType.ERROR | gst.MessageType.EOS)
    if message is None:
        return None
    if message.type == gst.MessageType.EOS:
        return ENDED
    error, _ = message.parse_error()
    return f"the pipeline failed: {error.message}"
