"""
An RTSP server with one camera at /cam, run by the system's Python.

Usage: rtsp_server.py PORT WIDTH HEIGHT [TRANSPORT [PICTURES [CERTIFICATE]]]

PORT 0 takes a free one. Prints the port, then serves until it is killed. A line `WIDTH HEIGHT` on
standard input changes the resolution in the middle of the stream. The picture moves, so no two are
equal. With TRANSPORT `tcp` or `udp` the server accepts nothing else; `any` is the same as none.
PICTURES, as in `/tmp/%03d.jpg`, are shown over and over instead, 12 in a second. CERTIFICATE, a PEM
file with its key, makes it RTSP over TLS. Empty arguments are as good as none.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

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


def main(port: str, *arguments: str) -> None:
    Gst.init(None)
    width, height, transport, pictures, certificate = (*arguments, "", "", "", "")[:5]
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
    if certificate:
        server.set_auth(encrypting(factory, certificate))
    server.get_mount_points().add_factory("/cam", factory)
    if not server.attach(None):
        sys.exit(f"port {port} is taken")
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.timeout_add_seconds(2, lambda: server.get_session_pool().cleanup() >= 0)
    GLib.MainLoop().run()


def encrypting(factory: GstRtspServer.RTSPMediaFactory, pem: str) -> GstRtspServer.RTSPAuth:
    """Return what makes a server speak TLS, and lets everybody in."""
    anybody = GstRtspServer.RTSPToken()
    anybody.set_string("media.factory.role", "anybody")
    allowed = GstRtspServer.RTSPPermissions()
    for deed in ("access", "construct"):
        allowed.add_permission_for_role("anybody", f"media.factory.{deed}", True)
    factory.set_permissions(allowed)
    auth = GstRtspServer.RTSPAuth()
    auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(pem))
    auth.set_default_token(anybody)
    return auth


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
