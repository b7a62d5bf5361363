"""
GStreamer by the system's Python binding, PyGObject.

OpenCV's wheels have no GStreamer. The binding comes by apt, for the system's Python, and is seen
from a virtual environment made with --system-site-packages only.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from edge.errors import SourceError

PACKAGES = (
    "python3-gi gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 "
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
)


@dataclass(frozen=True, slots=True)
class Library:
    """Modules of `gi.repository`, which no type checker knows."""

    gst: Any
    """Gst, initialised."""
    video: Any
    """GstVideo."""

    def has(self, element: str) -> bool:
        """Tell whether an element is in the registry."""
        return self.gst.ElementFactory.find(element) is not None

    @property
    def version(self) -> str:
        """As GStreamer 1.20.3."""
        return str(self.gst.version_string())


@cache
def load_gstreamer() -> Library:
    """
    Return GStreamer.

    Raises:
        SourceError: It is not installed, or not seen from this virtual environment.
    """
    if "EDGE_GATE_CACHE" in os.environ:  # a service has no home for the list of all elements
        registry = Path(os.environ["EDGE_GATE_CACHE"]) / "gstreamer.bin"
        os.environ.setdefault("GST_REGISTRY_1_0", str(registry))
    try:
        import gi  # noqa: PLC0415 - a package of the system, needed for some cameras only

        gi.require_version("Gst", "1.0")
        gi.require_version("GstApp", "1.0")
        gi.require_version("GstVideo", "1.0")
        # GstApp gives appsrc and appsink their signals.
        from gi.repository import Gst, GstApp, GstVideo  # noqa: F401, PLC0415
    except (ImportError, ValueError) as error:
        raise SourceError(
            f"GStreamer cannot be loaded ({error}); install it with: sudo apt install {PACKAGES}, "
            "and make the virtual environment with: python3 -m venv --system-site-packages. "
            "If it says 'cannot allocate memory in static TLS block', set LD_PRELOAD to the "
            "library it names"
        ) from error
    Gst.init(None)
    return Library(Gst, GstVideo)
