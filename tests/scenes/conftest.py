from dataclasses import dataclass

import pytest

from edge.config.tracks import TrackSettings
from edge.protocols import LocalFaceDetector
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
    every = TrackSettings(search="every")
    return [film(script, detector, pair, every) for script in scripts(detector)]


@dataclass
class Counting:
    """Satisfies the Protocol `LocalFaceDetector`: counts the frames that are searched."""

    detector: LocalFaceDetector
    searched: int = 0

    def detect(self, pixels):
        self.searched += 1
        return self.detector.detect(pixels)

    def detect_near(self, pixels, box):
        return self.detector.detect_near(pixels, box)

    def smallest_sought(self):
        return self.detector.smallest_sought()


@pytest.fixture(scope="session")
def sparing_films(networks) -> list[tuple[Filmed, int]]:
    """Some scenes, most frames of which are not searched as a whole, with how many were."""
    detector, pair = networks
    some = [script for script in scripts(detector) if script.name in SOUGHT_SPARINGLY]
    found = []
    for script in some:
        counting = Counting(detector)
        found.append((film(script, counting, pair, TrackSettings()), counting.searched))
    return found
