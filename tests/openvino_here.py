"""Tests that need the real OpenVINO."""

from importlib.util import find_spec

import pytest

# Not by importing it: only `engines.openvino.api` knows how that is done without telling its maker.
needs_openvino = pytest.mark.skipif(
    find_spec("openvino") is None, reason="OpenVINO is not installed: pip install '.[openvino]'"
)
