"""The part of the configuration that says where frames come from, and how long to wait for them."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from edge.config.delivery import Secret
from edge.config.quantities import Duration
from edge.config.section import AnyPath, Section, absolute_path
from edge.config.uri import NETWORK, SourceUri, parse_uri

_TLS = frozenset({"https", "rtsps"})
_DEVICE = frozenset({"csi", "v4l2"})
_LIVE = NETWORK | _DEVICE
_SCHEMES_OF_KEY = {
    "login": NETWORK,
    "transport": frozenset({"rtsp"}),
    "ca_file": _TLS,
    "verify_certificate": _TLS,
    "open_timeout": _LIVE,
    "read_timeout": _LIVE,
    "offline_after": _LIVE,
    "isolate": NETWORK,
    "decoder": NETWORK | {"v4l2", "file"},
    "width": _DEVICE,
    "height": _DEVICE,
    "fps": _DEVICE,
    "deinterlace": NETWORK | {"file"},
    "snapshot_every": frozenset({"http", "https"}),
    "loop": frozenset({"file"}),
    "pace": frozenset({"file"}),
}
"""Keys that mean something for some kinds of sources only."""


def _uri(value: object, info: ValidationInfo) -> object:
    """Read an address; the path of a file becomes absolute."""
    if not isinstance(value, str):
        return value
    uri = parse_uri(value)
    if uri.scheme != "file":
        return uri
    written = uri.address.removeprefix("file://")
    return SourceUri("file", f"file://{absolute_path(written, info)}")


Name = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        json_schema_extra={"$comment": "up to 64 letters, digits, '-' and '_'"},
    ),
]
"""Safe in a file name, a topic and a metric's label."""
Uri = Annotated[
    SourceUri,
    BeforeValidator(_uri),
    WithJsonSchema(
        {
            "type": "string",
            "$comment": "a path, or file://, v4l2://, csi://, rtsp(s):// or http(s):// and where",
        }
    ),
]
PixelCount = Annotated[int, Field(ge=16, le=16384)]


Aspect = Annotated[
    str,
    Field(
        pattern=r"^[1-9][0-9]{0,4}:[1-9][0-9]{0,4}$",
        json_schema_extra={"$comment": "width:height, as 16:9"},
    ),
]


@dataclass(frozen=True, slots=True)
class Geometry:
    """How the pictures of a source become what people saw."""

    aspect: Fraction | None = None
    """Width divided by height of the whole picture; None believes the stream."""
    rotate: Literal[0, 90, 180, 270] = 0
    """Clockwise, in degrees."""
    mirror: bool = False
    """Left becomes right, after turning."""
    deinterlace: Literal["auto", "always", "never"] = "auto"
    """Auto: pictures that say that they are interlaced."""


AS_STATED = Geometry()
"""Believes files and streams, and changes nothing else."""


class SourceSettings(Section):
    """Where frames come from."""

    name: Name
    """Unique; appears in records, messages and metrics."""
    uri: Uri
    """
    A folder of images and videos, or one of them; a relative path starts from this file's folder.
    Or a camera: v4l2:///dev/v4l/by-id/…, csi://0, rtsp://…, or http://… for Motion JPEG, single
    pictures, FLV or MPEG-TS.
    """
    login: Secret | None = None
    """Network cameras: the secret `user:password`, so that it need not be in `uri`."""
    transport: Literal["tcp", "udp", "udp_multicast"] = "tcp"
    """
    rtsp://: how pictures travel. UDP loses some on a poor network; multicast sends them once to all
    receivers, where the camera offers it. With rtsps:// always TCP.
    """
    snapshot_every: Duration = 1.0
    """http(s)://: an address that gives a single picture is asked for the next one so often."""
    ca_file: AnyPath | None = None
    """
    rtsps:// and https://: PEM file of the authority that signed the camera's certificate, or that
    certificate itself; else the system's authorities.
    """
    verify_certificate: bool = True
    """rtsps:// and https://: false lets anybody answer in the camera's place and learn `login`."""
    open_timeout: Duration = 10.0
    """Cameras: give up connecting after this, and try again later."""
    read_timeout: Duration = 5.0
    """Cameras: connect anew when no frame comes for so long."""
    offline_after: Duration = 30.0
    """Cameras: announce as offline after so long without frames; shorter gaps stay unsaid."""
    isolate: bool = True
    """
    Network cameras: read each in a process of its own, with a limit of memory, so that what a
    broken or hostile camera sends cannot take the gate down; 40 MB in all, and 15 to 85 MB each.
    False reads it in the gate, for cameras that are trusted, on a board that is short of memory.
    """
    decoder: Literal["auto", "ffmpeg", "gstreamer"] = "auto"
    """
    Network cameras, v4l2:// and files: what decodes video. Auto: GStreamer where the board decodes
    in hardware, else FFmpeg; gstreamer also takes its software. JPEG over HTTP is FFmpeg's.
    """
    width: PixelCount | None = None
    """v4l2:// and csi://: pixels to ask the camera for; with height. Its own choice if not set."""
    height: PixelCount | None = None
    """v4l2:// and csi://: pixels to ask the camera for; with width."""
    fps: Annotated[int, Field(ge=1, le=240)] | None = None
    """v4l2:// and csi://: frames per second to ask the camera for."""
    loop: bool = False
    """Files: start again at the end, for ever."""
    pace: Literal["fast", "timestamps"] = "fast"
    """Files: as fast as frames are taken, or at the speed of the recording."""

    aspect: Aspect | None = None
    """
    Shape of the picture as people saw it, `16:9`, for a camera that sends 960x1080 or 704x576 and
    does not say how wide its pixels are. If not set, what the stream states, else square pixels.
    """
    rotate: Literal[0, 90, 180, 270] = 0
    """
    Degrees clockwise that bring the picture upright, for a camera mounted on its side or upside
    down; in addition to what a recording says itself. Masks are drawn on the upright picture.
    """
    mirror: bool = False
    """Exchange left and right, after turning: for a camera that looks into a mirror."""
    deinterlace: Literal["auto", "always", "never"] = "auto"
    """
    Network cameras and files: combed pictures of analogue cameras become smooth. Auto: those that
    the stream calls interlaced; always: for recorders that do not say it.
    """

    @property
    def geometry(self) -> Geometry:
        """How its pictures become what people saw."""
        width, _, height = (self.aspect or "").partition(":")
        aspect = Fraction(int(width), int(height)) if self.aspect else None
        return Geometry(aspect, self.rotate, self.mirror, self.deinterlace)

    @property
    def rest_s(self) -> float:
        """Seconds for which nothing comes though nothing is wrong: between two single pictures."""
        return self.snapshot_every if self.uri.scheme in ("http", "https") else 0.0

    @model_validator(mode="after")
    def _keys_fit_the_uri(self) -> "SourceSettings":
        for key in sorted(self.model_fields_set & _SCHEMES_OF_KEY.keys()):
            schemes = _SCHEMES_OF_KEY[key]
            if self.uri.scheme not in schemes:
                kinds = ", ".join(f"{scheme}://" for scheme in sorted(schemes))
                raise ValueError(f"{key} is for {kinds}, and uri is {self.uri.scheme}://")
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height go together: give both or neither")
        if self.login is not None and "@" in self.uri.address:
            raise ValueError("login is given, and uri holds a user name too; keep one of them")
        return self


VIDEO_SUFFIXES = frozenset(
    {
        *(".264", ".265", ".3g2", ".3gp", ".asf", ".avi", ".dav", ".dv", ".f4v", ".flv", ".gif"),
        *(".h264", ".h265", ".hevc", ".ivf", ".m1v", ".m2t", ".m2ts", ".m2v", ".m4v", ".mjpeg"),
        *(".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogv"),
        *(".ts", ".vob", ".webm", ".wmv", ".y4m"),
    }
)
"""File name endings read as video, lower case: what cameras, recorders and FFmpeg write."""


def is_video(path: Path) -> bool:
    """Tell by its name whether a file is read as video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def are_stills(paths: Iterable[Path]) -> bool:
    """Tell whether there is footage, and no video in it, also somewhere below a folder."""
    present = [path for path in paths if path.exists()]
    return bool(present) and not any(_holds_video(path) for path in present)


def _holds_video(path: Path) -> bool:
    return is_video(path) or any(is_video(Path(name)) for name in _shown(path))


def _shown(folder: Path) -> Iterator[str]:
    """Yield the names of the files below a folder, without the hidden ones, which nobody reads."""
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (name for name in files if not name.startswith("."))
