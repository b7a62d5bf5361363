import sys
import warnings

import pytest

from edge.sources.decoding.library import load_gstreamer
from tests.edge.system_gstreamer import binding_folder, need_gstreamer


@pytest.fixture
def gstreamer(monkeypatch):
    """Return GStreamer by the system's binding."""
    need_gstreamer()
    folder = binding_folder()
    if folder is None:
        pytest.skip("this Python is not the system's, and cannot load its GStreamer binding")
    if folder not in sys.path:
        # At the end: this environment's packages go first.
        monkeypatch.setattr(sys, "path", [*sys.path, folder])
    with warnings.catch_warnings():
        # The binding of Debian 12 predates Python 3.12's way to import.
        warnings.simplefilter("ignore", ImportWarning)
        return load_gstreamer()


@pytest.fixture(params=["ffmpeg", "gstreamer"])
def decoder(request):
    """Return what decodes, as in the configuration; a test that takes it runs with both."""
    if request.param == "gstreamer":
        request.getfixturevalue("gstreamer")
    return request.param
