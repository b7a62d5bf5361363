"""
An RTSP server with one camera at /cam, run by the system's Python.

PORT 0 takes a free one. Prints the port, then serves until it is killed. A line `WIDTH HEIGHT` on
standard input changes the resolution in the middle of the stream. The picture moves, so no two are
equal.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

# A key frame each half second: a client that joins sees a picture soon. One thread makes one slice:
# with several, parameter sets come between the slices of a picture, and FFmpeg cuts it up.
PIPELINE = (
    "( {source} ! videoscale "
    "! capsfilter name=size caps=video/x-raw,width={width},height={height} "
    "! x264enc threads=1 tune=zerolatency speed-preset=ultrafast key-int-max=12 bitrate=300 "
    "! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


BALL = "videotestsrc is-live=true pattern=ball ! video/x-raw,framerate=25/1"
PICTURES = (
    "multifilesrc location={} loop=true caps=image/jpeg,framerate=12/1 ! jpegdec ! videoconvert "
    "! video/x-raw,format=I420"
)


RECORDING = "( filesrc location={} ! matroskademux ! {} name=pay0 pt={} )"
PAYLOADERS = {
    "h264": ("h264parse ! rtph264pay config-interval=-1", 96),
    "hevc": ("h265parse ! rtph265pay config-interval=-1", 96),
    "mjpeg": ("jpegparse ! rtpjpegpay", 26),
}
UNHARMED = 40
"""The first packets of a client arrive, so that it can begin."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    for name in ("port", "width", "height"):
        add(name)
    add("--transport", help="tcp, udp or udp_mcast: the only one that is accepted")
    add("--pictures", help="as in /tmp/%%03d.jpg: shown over and over, 12 in a second")
    add("--certificate", help="PEM file with its key: RTSP over TLS")
    add("--login", help="USER:PASSWORD that is asked for, by Digest; others get 401")
    add("--recording", help="a Matroska file that each client is sent from its beginning")
    add("--codec", choices=PAYLOADERS, help="of the recording")
    add("--lose", type=int, default=0, help="each n-th RTP packet gets lost")
    return parser.parse_args()


def pipeline(asked: argparse.Namespace) -> str:
    if asked.recording:
        return RECORDING.format(asked.recording, *PAYLOADERS[asked.codec])
    source = PICTURES.format(asked.pictures) if asked.pictures else BALL
    return PIPELINE.format(source=source, width=asked.width, height=asked.height)


def main() -> None:
    Gst.init(None)
    asked = arguments()
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(pipeline(asked))
    # Pictures are read for each client anew: a client that was killed may block what it shares.
    factory.set_shared(not (asked.pictures or asked.recording))
    if asked.transport:
        factory.set_protocols(getattr(GstRtsp.RTSPLowerTrans, asked.transport.upper()))
    sizes: list[Gst.Element] = []
    factory.connect("media-configure", lambda _, media: sizes.append(size_of(media)))
    factory.connect("media-configure", lambda _, media: lose(media, asked.lose))
    GLib.io_add_watch(sys.stdin.fileno(), GLib.IO_IN | GLib.IO_HUP, lambda *_: on_line(sizes))
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(asked.port)
    if asked.certificate or asked.login:
        server.set_auth(guarding(factory, asked.certificate, asked.login))
    server.get_mount_points().add_factory("/cam", factory)
    if not server.attach(None):
        sys.exit(f"port {asked.port} is taken")
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.timeout_add_seconds(2, lambda: server.get_session_pool().cleanup() >= 0)
    GLib.MainLoop().run()


def lose(media: GstRtspServer.RTSPMedia, every: int) -> None:
    """Let each n-th packet be lost between the camera and us, numbered as if it were sent."""
    pad = media.get_element().get_by_name("pay0").get_static_pad("src")
    sent = [0]

    def is_lost() -> bool:
        sent[0] += 1
        return sent[0] > UNHARMED and sent[0] % every == 0

    def one(*_: object) -> Gst.PadProbeReturn:
        return Gst.PadProbeReturn.DROP if is_lost() else Gst.PadProbeReturn.OK

    def several(pad: Gst.Pad, probe: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        packets = probe.get_buffer_list()
        for index in range(packets.length()):
            if not is_lost():
                pad.get_peer().chain(packets.get(index).copy())
        return Gst.PadProbeReturn.DROP

    if every:
        pad.add_probe(Gst.PadProbeType.BUFFER, one)
        pad.add_probe(Gst.PadProbeType.BUFFER_LIST, several)


def guarding(
    factory: GstRtspServer.RTSPMediaFactory, pem: str | None, login: str | None
) -> GstRtspServer.RTSPAuth:
    """Return what makes a server speak TLS, and lets in everybody, or who knows the login."""
    guest = GstRtspServer.RTSPToken()
    guest.set_string("media.factory.role", "guest")
    allowed = GstRtspServer.RTSPPermissions()
    for deed in ("access", "construct"):
        allowed.add_permission_for_role("guest", f"media.factory.{deed}", True)
    factory.set_permissions(allowed)
    auth = GstRtspServer.RTSPAuth()
    if pem:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(pem))
    if not login:
        auth.set_default_token(guest)
        return auth
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(*login.split(":", 1), guest)
    auth.connect("accept-certificate", lambda *_: True)
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
            if size is not None:  # a recording has its own
                size.set_property("caps", caps)
    return bool(line)


if __name__ == "__main__":
    main()
