import pytest

from tests.scenes.filmed import Filmed, film
from tests.scenes.opened import opened
from tests.scenes.scripts import scripts


@pytest.fixture(scope="session")
def films(tmp_path_factory) -> list[Filmed]:
    """All scenes, seen once by real networks; what decides about them is tried many times."""
    detector, pair = opened(tmp_path_factory.mktemp("scenes") / "pair")
    with pair:
        return [film(script, detector, pair) for script in scripts(detector)]
