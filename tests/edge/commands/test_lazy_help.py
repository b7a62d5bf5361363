"""`--help` and a wrong word are answered without the libraries that would do the work."""

import subprocess
import sys

import pytest

from edge.__main__ import COMMANDS

HEAVY = (
    "av cv2 distributed email google http matplotlib numpy onnx onnxruntime paho PIL "
    "prometheus_client pyarrow pydantic rich sqlite3 ssl tensorrt urllib3 xml yaml"
)
PROGRAM = """\
import contextlib, sys
from edge.__main__ import main
with contextlib.suppress(SystemExit):
    main(sys.argv[2:])
heavy = [name for name in sys.argv[1].split() if name in sys.modules]
own = [name for name in sys.modules if name.split(".")[0] in ("edge", "engines")]
print(len(own), *heavy, file=sys.stderr)
"""


def imported(*words):
    """Return how many modules of ours, and which heavy ones, a command line has imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, HEAVY, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    count, *heavy = done.stderr.splitlines()[-1].split()
    return int(count), heavy


@pytest.mark.parametrize("words", [[name, "--help"] for name in COMMANDS] + [["pair", "build"]])
def test_help_and_a_wrong_command_line_import_nothing_heavy(words):
    general, _ = imported("--help")
    count, heavy = imported(*words)
    assert heavy == []
    assert count <= general + 10


OF_FILES = """\
import sys
import edge.commands.run
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""
SERVICE = (
    "edge.commands.check",
    "edge.diagnosis.preflight",
    "edge.page.page",
    "edge.pipeline.trial",
)


def test_a_run_over_files_loads_nothing_of_what_a_service_needs():
    done = subprocess.run(
        [sys.executable, "-c", OF_FILES, *SERVICE], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
