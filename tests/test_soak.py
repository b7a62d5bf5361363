"""The shipped configuration of two cameras among real cameras and receivers that fail."""

import subprocess
import sys

import pytest

from tests.edge.mqtt_broker import mosquitto
from tests.edge.system_gstreamer import need_gstreamer
from tests.soak_scene import ROOT

pytestmark = pytest.mark.registry


def test_no_face_is_lost_while_each_thing_fails_once():
    need_gstreamer()
    mosquitto()
    soak = [sys.executable, "-m", "tests.soak", "--once", "--every", "1"]
    run = subprocess.run(soak, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert "after: gate is killed" in run.stdout
