import os
import subprocess
import sys
from pathlib import Path

import pytest

from engines.errors import BackendError
from engines.openvino import api
from tests.openvino_here import needs_openvino

WITNESS = """
import sys
from engines.openvino.api import load_openvino
load_openvino()
print([name for name, module in sys.modules.items() if module and "telemetry" in name])
"""


@pytest.fixture
def forgotten():
    api.load_openvino.cache_clear()
    yield
    api.load_openvino.cache_clear()


@pytest.mark.usefixtures("forgotten")
def test_without_the_package_the_error_has_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(api.NoOpenVinoError, match=r"pip install 'edge-gate\[openvino\]'"):
        api.load_openvino()


def test_an_error_of_the_library_tells_its_reason_and_not_its_source_lines():
    text = "Exception from src/core.cpp:84:\nCheck 'x' failed at a.cpp:1:\nNo room\n\n"
    with (
        pytest.raises(BackendError, match=r"^OpenVINO could not open it: No room$"),
        api.translated_errors("open it"),
    ):
        raise RuntimeError(text)


@needs_openvino
def test_nothing_tells_the_maker_of_the_library_that_it_was_imported(tmp_path):
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-c", WITNESS], env=env, capture_output=True, check=True)
    assert done.stdout.split() == [b"[]"]
    assert not list(tmp_path.iterdir())  # imported as it comes, it notes an id of this user


@needs_openvino
@pytest.mark.usefixtures("forgotten")
def test_what_was_kept_out_can_be_imported_by_others():
    api.load_openvino()
    assert sys.modules.get("openvino.tools.ovc", "absent") is not None
