import numpy as np
import pytest

from edge.evaluation.curves import MeasuredFace, View, compared_pairs
from edge.evaluation.pair_list import PairList
from edge.evaluation.score_bands import Scoring, score_bands
from engines.quality.score_mapping import ScoreMapping

SCORING = Scoring("prefiqs", ScoreMapping(((0.0, 100.0), (2.0, 0.0))))
ALIKE, OTHER = np.array([1.0, 0.0]), np.array([0.0, 1.0])
HUNDRED = 100


def compared():
    """Of each band's ten mated pairs as many match as the band is high; strangers never do."""
    faces, first, second, mated = {}, [], [], []
    for score in (5, 22, 60):
        for number in range(10):
            names = [f"{score}-{number}{side}" for side in "ab"]
            matches = number < (score + 5) // 6.5
            for name, embedding, own in zip(
                names, (ALIKE, ALIKE if matches else OTHER), (90, score), strict=True
            ):
                faces[name] = MeasuredFace(embedding, {"prefiqs": own / 100})
            first.append(names[0])
            second.append(names[1])
            mated.append(True)
    first += ["60-0a"] * HUNDRED
    second += ["5-9b"] * HUNDRED
    mated += [False] * HUNDRED
    pairs = PairList(tuple(first), tuple(second), np.array(mated), np.zeros(len(first), np.intp))
    view = View(faces, {name: face.embedding for name, face in faces.items()})
    return compared_pairs("made", pairs, [view])


def test_the_poorer_image_decides_the_band_and_each_band_has_its_own_share():
    bands = {band.low: band for band in score_bands(compared(), SCORING)}
    assert {low: band.mated for low, band in bands.items() if band.mated} == {0: 10, 20: 10, 50: 10}
    shares = [bands[low].succeeded["0.01"] for low in (0, 20, 50)]
    assert shares == pytest.approx([0.1, 0.4, 1.0])


def test_an_empty_band_and_a_rate_beyond_the_pairs_are_undefined():
    bands = {band.low: band for band in score_bands(compared(), SCORING)}
    assert bands[30].succeeded["0.01"] is None
    assert bands[50].succeeded["0.001"] is None
