"""What the gate promises of people, held against scenes of which the truth is known."""

from dataclasses import replace

import pytest

from edge.config.model import GateSettings
from edge.config.tracks import TrackSettings
from tests.scenes.figures import figures, figures_of_all
from tests.scenes.scripts import SETTINGS

pytestmark = [pytest.mark.data, pytest.mark.registry]


def all_of(films, tracks=SETTINGS.tracks):
    return figures_of_all(films, replace(SETTINGS, tracks=tracks))


def test_nobody_is_lost_nobody_replaced_by_somebody_else_and_hardly_anybody_sent_twice(films):
    found = all_of(films)
    assert (found.lost, found.foreign, found.false) == (0, 0, 0)
    assert found.doubled <= 0.05 * found.people
    assert found.idf1 > 0.95


def test_the_place_alone_loses_people_but_replaces_nobody_by_somebody_else(films):
    found = all_of(films, TrackSettings(identity=False))
    assert found.lost > 5
    assert found.foreign == 0


@pytest.mark.parametrize("early_after", [None, 1.0, 5.0])
def test_nobody_is_lost_or_replaced_however_early_faces_leave(films, early_after):
    found = all_of(films, TrackSettings(early_after=early_after))
    assert (found.lost, found.foreign) == (0, 0)
    assert found.doubled <= 0.05 * found.people


@pytest.mark.parametrize("threshold", [30, 58, 90])
def test_with_the_floor_nobody_goes_without_a_face_at_whatever_threshold(films, threshold):
    settings = replace(SETTINGS, gate=GateSettings(threshold=threshold))
    found = figures_of_all(films, settings)
    assert (found.lost, found.foreign, found.false) == (0, 0, 0)
    assert found.below or threshold == 30


def test_nobody_is_lost_or_replaced_when_most_frames_are_not_searched_as_a_whole(sparing_films):
    found = figures_of_all([film for film, _ in sparing_films], SETTINGS)
    assert (found.lost, found.foreign, found.false) == (0, 0, 0)
    assert found.doubled <= 1
    for film, searched in sparing_films:
        assert searched < 0.5 * len(film.recorded)


def test_three_people_of_six_joined_clips_are_three_faces(films):
    joined = next(film for film in films if film.name == "joined clips")
    found = figures(joined, SETTINGS, joined.recorded)
    assert (found.people, found.lost, found.doubled, found.foreign) == (3, 0, 0, 0)


def test_a_skull_on_a_pullover_and_hands_are_tracks_but_no_people(films):
    joined = next(film for film in films if film.name == "joined clips")
    found = figures(joined, SETTINGS, joined.recorded)
    assert found.tracks > found.counted == found.people


def test_people_are_counted_by_confirmed_tracks(films):
    found = all_of(films)
    assert abs(found.counted - found.people) <= 0.1 * found.people < found.tracks - found.people


def test_an_older_pair_that_tells_its_scale_by_golden_vectors_alone_loses_nobody(films):
    coarse = [replace(film, scale=replace(film.scale, mated_low=None)) for film in films]
    found = all_of(coarse)
    assert (found.lost, found.foreign) == (0, 0)
    assert found.doubled <= 0.05 * found.people
