"""Whether the system has GStreamer for the tests that need the real one."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PYTHON = "/usr/bin/python3"
"""The system's Python, which alone has the binding."""
PACKAGES = Path(__file__).resolve().parents[1] / "apt-packages.txt"
_PROBE = """\
import gi
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, Gst, GstApp, GstRtspServer
Gst.init(None)
needed = "x264enc rtph264pay jpegenc videotestsrc h264parse avdec_h264 avdec_h265 jpegdec"
missing = [name for name in needed.split()
           if Gst.ElementFactory.find(name) is None]
assert not missing, missing
assert Gio.TlsBackend.get_default().supports_tls(), "no glib-networking"
"""


@cache
def _problem() -> str:
    try:
        probe = subprocess.run(
            [PYTHON, "-c", _PROBE], capture_output=True, text=True, check=False, timeout=60
        )
    except FileNotFoundError as error:
        return str(error)
    return probe.stderr.strip().rpartition("\n")[2] if probe.returncode else ""


def need_gstreamer() -> None:
    """Skip when GStreamer is missing; fail in continuous integration, which must have it."""
    problem = _problem()
    if not problem:
        return
    command = "apt-get install " + " ".join(PACKAGES.read_text(encoding="ascii").split())
    if os.environ.get("CI") == "true":
        pytest.fail(f"GStreamer is missing ({problem}); {command}")
    pytest.skip(f"GStreamer is missing ({problem}); {command}")


@cache
def binding_folder() -> str | None:
    """Return where this interpreter would find the system's binding; None when it cannot."""
    probe = "import sys, gi; print(sys.version_info[:2], *gi.__path__)"
    found = subprocess.run([PYTHON, "-c", probe], capture_output=True, text=True, check=True)
    version, _, path = found.stdout.strip().rpartition(" ")
    return str(Path(path).parent) if version == str(sys.version_info[:2]) else None
