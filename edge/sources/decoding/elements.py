"""
Which elements of GStreamer decode a codec here: hardware where there is some, else software. Pure.

Names and manners of NVIDIA's elements: DeepStream's manual, Gst-nvvideo4linux2 and Gst-nvjpegdec.
Not among them, since they gave pictures that were not sent (GStreamer 1.22, streams with B-frames):
openh264dec repeated a picture at the end of each group, libde265dec damaged three from MPEG-TS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

DecoderChoice = Literal["auto", "ffmpeg", "gstreamer"]


@dataclass(frozen=True, slots=True)
class Elements:
    """What makes pictures in ordinary memory of the packets of one codec."""

    decoder: str
    """An element with its properties, in the language of gst-launch-1.0."""
    converter: str = ""
    """The element that brings the decoder's pictures out of the device's memory, if one must."""
    is_hardware: bool = True

    @property
    def name(self) -> str:
        """Of the element that decodes."""
        return self.decoder.partition(" ")[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Of all elements that must be there."""
        return tuple(filter(None, (self.name, self.converter)))


@dataclass(frozen=True, slots=True)
class Codec:
    """One that is decoded by GStreamer."""

    words: str
    """Its name for people."""
    caps: str
    """Of its packets; with H.264 and H.265, the form of them is still to be said."""
    parser: str
    elements: tuple[Elements, ...]
    """The best first."""


def _software(decoder: str) -> Elements:
    return Elements(decoder, is_hardware=False)


CODECS = {
    "h264": Codec(
        "H.264",
        "video/x-h264",
        "h264parse",
        (
            Elements("nvv4l2decoder", "nvvidconv"),
            Elements("vah264dec"),
            Elements("vaapih264dec"),
            # Threads for frames would give each picture a few pictures later.
            _software("avdec_h264 max-threads=1"),
        ),
    ),
    "hevc": Codec(
        "H.265",
        "video/x-h265",
        "h265parse",
        (
            Elements("nvv4l2decoder", "nvvidconv"),
            Elements("vah265dec"),
            Elements("vaapih265dec"),
            _software("avdec_h265 max-threads=1"),
        ),
    ),
    "mjpeg": Codec(
        "Motion JPEG",
        "image/jpeg",
        "jpegparse",
        (
            Elements("nvjpegdec"),
            Elements("nvv4l2decoder mjpeg=1", "nvvidconv"),
            Elements("vajpegdec"),
            Elements("vaapijpegdec"),
            _software("jpegdec"),
        ),
    ),
}
"""By FFmpeg's name."""

FORMATS = {
    "NV12": "nv12",
    "I420": "yuv420p",
    "Y42B": "yuv422p",
    "Y444": "yuv444p",
    "YUY2": "yuyv422",
    "GRAY8": "gray",
    "P010_10LE": "p010le",
    "I420_10LE": "yuv420p10le",
    "I422_10LE": "yuv422p10le",
}
"""GStreamer's names of the forms of pictures that are taken over, and FFmpeg's."""
RAW = f"video/x-raw,format=(string){{{','.join(FORMATS)}}}"


def chosen(
    codec: str, is_present: Callable[[str], bool], *, hardware_only: bool = False
) -> Elements | None:
    """
    Return the best elements that are there, None when there are none.

    Args:
        codec: FFmpeg's name of it.
        is_present: Whether GStreamer's registry has an element of this name.
        hardware_only: Without those that decode on the processor.
    """
    known = CODECS.get(codec)
    if known is None or not is_present(known.parser):
        return None
    usable = (
        elements
        for elements in known.elements
        if all(map(is_present, elements.names)) and (elements.is_hardware or not hardware_only)
    )
    return next(usable, None)


def decoding(codec: str, elements: Elements) -> str:
    """Return the part of a pipeline that makes pictures of packets; RAW is to come after it."""
    converter = f" ! {elements.converter}" if elements.converter else ""
    return f"{CODECS[codec].parser} ! {elements.decoder} name=decoder{converter}"
