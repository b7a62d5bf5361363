"""Real RTSP cameras for tests: start, freeze, kill and restart a server."""

import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from tests.edge.system_gstreamer import PYTHON

SCRIPT = Path(__file__).resolve().parents[1] / "rtsp_server.py"


@dataclass
class RtspCamera:
    """A server process; it keeps its port over restarts."""

    width: int = 320
    height: int = 240
    transport: str = ""
    """"tcp", "udp" or "udp_mcast": the only one that is accepted."""
    pictures: str = ""
    """Shown instead of a moving ball, as in "/tmp/%03d.jpg"."""
    certificate: Path | None = None
    """PEM file with its key: RTSP over TLS."""
    login: str = ""
    """"user:password" that it asks for; anybody may look without."""
    recording: Path | None = None
    """A Matroska file that each client is sent from its beginning, instead of the ball."""
    codec: str = "h264"
    """Of the recording: "h264", "hevc" or "mjpeg"."""
    lose: int = 0
    """Each n-th RTP packet gets lost."""
    port: int = 0
    process: subprocess.Popen[str] | None = field(default=None, init=False)

    def start(self) -> None:
        """Return when it accepts connections."""
        size = [str(self.port), str(self.width), str(self.height)]
        how = [
            f"--{name}={getattr(self, name)}"
            for name in (
                "transport",
                "pictures",
                "certificate",
                "login",
                "recording",
                "codec",
                "lose",
            )
            if getattr(self, name)
        ]
        self.process = subprocess.Popen(
            [PYTHON, str(SCRIPT), *size, *how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    @property
    def uri(self) -> str:
        scheme = "rtsps" if self.certificate else "rtsp"
        return f"{scheme}://127.0.0.1:{self.port}/cam"

    def resize(self, width: int, height: int) -> None:
        """Change the resolution in the middle of the stream."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(f"{width} {height}\n")
        self.process.stdin.flush()

    def freeze(self) -> None:
        """Stop answering, with all connections open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once; safe to call twice."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        self.process = None


def pictures(video: Path, folder: Path) -> str:
    """Write a video's frames as JPEG files, then the way back, so that the loop has no jump."""
    folder.mkdir()
    capture, frames = cv2.VideoCapture(str(video)), []
    while (read := capture.read())[0]:
        frames.append(cv2.resize(read[1], (640, 360)))
    for index, frame in enumerate(frames + frames[::-1]):
        cv2.imwrite(str(folder / f"{index:04d}.jpg"), frame)
    return str(folder / "%04d.jpg")
