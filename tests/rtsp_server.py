"""
An RTSP server with one camera at /cam, run by the system's Python.

Usage: rtsp_server.py PORT WIDTH HEIGHT [TRANSPORT [PICTURES]]

PORT 0 takes a free one. Prints the port, then serves until it is killed. A line `WIDTH HEIGHT` on
standard input changes the resolution in the middle of the stream. The picture moves, so no two are
equal. With TRANSPORT `tcp` or `udp` the server accepts nothing else; `any` is the same as none.
PICTURES, as in `/tmp/%03d.jpg`, are shown over and over instead, 12 in a second.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

# A key frame each half second: a client that joins sees a picture soon.
PIPELINE = (
    "( {source} ! videoscale "
    "! capsfilter name=size caps=video/x-raw,width={width},height={height} "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=12 bitrate=300 "
    "! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


BALL = "videotestsrc is-live=true pattern=ball ! video/x-raw,framerate=25/1"
PICTURES = (
    "multifilesrc location={} loop=true caps=image/jpeg,framerate=12/1 ! jpegdec ! videoconvert "
    "! video/x-raw,format=I420"
)


def main(port: str, width: str, height: str, transport: str = "", pictures: str = "") -> None:
    Gst.init(None)
    factory = GstRtspServer.RTSPMediaFactory()
    source = PICTURES.format(pictures) if pictures else BALL
    factory.set_launch(PIPELINE.format(source=source, width=width, height=height))
    # Pictures are read for each client anew: a client that was killed may block what it shares.
    factory.set_shared(not pictures)
    if transport not in ("", "any"):
        factory.set_protocols(getattr(GstRtsp.RTSPLowerTrans, transport.upper()))
    sizes: list[Gst.Element] = []
    factory.connect("media-configure", lambda _, media: sizes.append(size_of(media)))
    GLib.io_add_watch(sys.stdin.fileno(), GLib.IO_IN | GLib.IO_HUP, lambda *_: on_line(sizes))
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    server.get_mount_points().add_factory("/cam", factory)
    if not server.attach(None):
        sys.exit(f"port {port} is taken")
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.timeout_add_seconds(2, lambda: server.get_session_pool().cleanup() >= 0)
    GLib.MainLoop().run()


def size_of(media: GstRtspServer.RTSPMedia) -> Gst.Element:
    return media.get_element().get_by_name("size")


def on_line(sizes: list[Gst.Element]) -> bool:
    """Change the resolution for all clients; return whether more may come."""
    line = sys.stdin.readline().split()
    if line:
        width, height = line
        caps = Gst.Caps.from_string(f"video/x-raw,width={width},height={height}")
        for size in sizes:
            size.set_property("caps", caps)
    return bool(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
