"""A broker for all tests of a fleet that need one."""

import pytest

from tests.edge.fleet_broker import fleet_broker


@pytest.fixture(scope="package")
def fleet(tmp_path_factory):
    with fleet_broker(tmp_path_factory.mktemp("fleet")) as running:
        yield running
