"""Fixtures that several tests of TensorRT and CUDA share."""

import pytest

from tests.engines.tensorrt.host_driver import host_driver


@pytest.fixture(scope="session")
def host_driver_folder(tmp_path_factory):
    """Return the folder of a libcuda.so.1 in the memory of the CPU, compiled once."""
    return host_driver(tmp_path_factory.mktemp("driver"))
