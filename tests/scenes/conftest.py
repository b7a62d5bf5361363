import pytest

from edge.config.tracks import TrackSettings
from tests.scenes.filmed import Filmed, film
from tests.scenes.opened import opened
from tests.scenes.scripts import scripts

SOUGHT_SPARINGLY = ("crossing, quick", "turnstile", "returning")


@pytest.fixture(scope="session")
def networks(tmp_path_factory):
    """The default detector and an engine pair."""
    detector, pair = opened(tmp_path_factory.mktemp("scenes") / "pair")
    with pair:
        yield detector, pair


@pytest.fixture(scope="session")
def films(networks) -> list[Filmed]:
    """All scenes, seen once by real networks; what decides about them is tried many times."""
    detector, pair = networks
    return [film(script, detector, pair) for script in scripts(detector)]


@pytest.fixture(scope="session")
def sparing_films(networks) -> list[Filmed]:
    """Some scenes, in which faces are not sought in every frame."""
    detector, pair = networks
    sparing = TrackSettings(search="sparing")
    some = [script for script in scripts(detector) if script.name in SOUGHT_SPARINGLY]
    return [film(script, detector, pair, sparing) for script in some]
