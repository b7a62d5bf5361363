from collections import Counter
from dataclasses import replace

import pytest

from edge.config.tracks import TrackSettings
from edge.gate.outcome import SeenFace
from edge.samples import Box
from engines.biometrics.identity_scale import IdentityScale
from tests.scenes.figures import Figures, figures
from tests.scenes.filmed import Filmed
from tests.scenes.scripts import SETTINGS, THRESHOLD

pytestmark = [pytest.mark.data, pytest.mark.registry]


def faces_of(film: Filmed) -> Counter[str]:
    """Return how many faces of each person the default gate would forward."""
    good: Counter[str] = Counter()
    for frame in film.recorded:
        for seen in frame.seen:
            face, who = seen.assessment, film.who(frame.captured.frame.index, seen.box)
            if face and face.quality and face.quality.score >= THRESHOLD and who:
                good[who] += 1
    return good


def test_everybody_in_a_scene_shows_a_face_worth_sending(films):
    assert [film.name for film in films if set(faces_of(film)) != film.people] == []


def test_the_truth_names_nearly_all_faces_that_are_found(films):
    for film in films:
        shown = sum(map(len, film.truth))
        named = [
            film.who(frame.captured.frame.index, seen.box)
            for frame in film.recorded
            for seen in frame.seen
        ]
        assert sum(who is not None for who in named) >= 0.9 * shown, film.name


def test_a_tracker_that_knows_the_truth_switches_nobody(films):
    for film in films:
        people = sorted(film.people)

        def known(index: int, face: SeenFace, film=film, people=people) -> SeenFace:
            who = film.who(index, face.box)
            return replace(face, tracklet=1 + people.index(who) if who else 99)

        frames = [
            replace(
                frame,
                ended=(),
                seen=tuple(known(frame.captured.frame.index, face) for face in frame.seen),
            )
            for frame in film.recorded
        ]
        by_place = replace(SETTINGS, tracks=TrackSettings(identity=False))
        best = figures(film, by_place, frames)
        assert (best.switches, best.idf1 > 0.9) == (0, True), film.name


def test_figures_add_up():
    one = Figures(people=2, lost=1, matched=3, looks=8)
    assert one + one == Figures(people=4, lost=2, matched=6, looks=16)
    assert (one + one).idf1 == one.idf1 == 0.75


def test_a_face_that_lies_nowhere_near_anybody_is_nobodys():
    film = Filmed("empty", frozenset({"a"}), (), ((),), IdentityScale(86.0, 6.0))
    assert film.who(0, Box(0, 0, 9, 9)) is None
