import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.progress import Progress

from engines.biometrics.bootstrap import Estimate
from engines.biometrics.degrade import with_margin
from engines.build import build
from engines.build import other_measures as measures
from engines.build.build import build_pair
from engines.build.judge import Judge
from engines.build.other_measures import advised, other_measures
from engines.build.request import GATE_NETWORK, LoadedEntry
from engines.calibration.bench import Bench
from engines.calibration.faces import calibration_faces
from engines.catalogue.catalogue import find_entry
from engines.errors import FetchError
from engines.pair.merit import FLATTERED, Merit, of_quality
from engines.pruning.recipe import Recipe
from tests.networks import TinyNetwork, loaded, specification
from tests.pairs import request, synthetic_faces
from tests.quality_networks import write_brightness

SURE = Estimate(0.5, 0.4, 0.6)


def worth(ratio, high):
    return Merit(SURE, SURE, Estimate(ratio, 0.3, high))


GOOD, BETTER, UNSURE = worth(0.75, 0.85), worth(0.6, 0.7), worth(0.85, 0.95)


@pytest.mark.parametrize(
    ("own", "gate", "taken"),
    [
        (GOOD, BETTER, "gate"),
        (BETTER, GOOD, "own"),
        (GOOD, worth(0.745, 0.85), "own"),  # alike
        (UNSURE, BETTER, "gate"),
        (UNSURE, UNSURE, "norm"),
        (UNSURE, None, "norm"),
        (None, GOOD, "gate"),
        (None, None, "norm"),
        (GOOD, UNSURE, "own"),
    ],
)
def test_what_to_take_follows_the_figures(own, gate, taken):
    assert advised(own, {"gate": gate}) == taken


def test_of_what_is_alike_the_cheaper_is_taken():
    slightly = worth(0.745, 0.85)
    assert advised(None, {"recognisability": GOOD, "gate": slightly}) == "recognisability"
    assert advised(None, {"recognisability": GOOD, "both": BETTER, "gate": GOOD}) == "both"
    assert advised(slightly, {"recognisability": GOOD}) == "recognisability"  # one pass
    assert advised(slightly, {"both": GOOD}) == "both"  # at the same price the mean of two


def test_what_flatters_less_is_taken_though_its_figure_is_a_little_higher():
    own = of_quality(worth(0.75, 0.8), "own")
    assert advised(own, {"both": of_quality(worth(0.77, 0.82), "both")}) == "both"
    assert advised(own, {"both": of_quality(worth(0.84, 0.88), "both")}) == "own"
    both = of_quality(worth(0.77, 0.96), "both")  # not surely better than the norm
    assert advised(own, {"both": both}) == "own"


@pytest.fixture(scope="module")
def faces():
    known = synthetic_faces(with_margin(specification()))
    return calibration_faces(known.images, specification(), subjects=known.subjects)


@pytest.fixture
def built(tmp_path, faces):
    """What a pair was built of, once it was."""
    network = loaded(tmp_path, TinyNetwork(seed=3))
    of = replace(request(network, form="fused"), judge=Judge(lambda: faces), accept_worse=True)
    build_pair(of, tmp_path / "own")
    return of


@pytest.fixture
def asked(monkeypatch, built):
    def ask(own, others, network="dlib-resnet", where=None):
        def judged(quality):
            found = others.get(quality)
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(measures, "merit_by", lambda _, __, quality: judged(quality))
        monkeypatch.setattr(measures, "judged", lambda quality, _: judged(quality))
        monkeypatch.setattr(measures, "request_beside", lambda *_: "gate")
        known = LoadedEntry(find_entry(network), built.network)
        return other_measures(known, built, own, Progress(disable=True), where)

    return ask


def test_what_else_there_is_costs_no_embedding_and_is_worth_what_its_pair_says(
    tmp_path, built, monkeypatch
):
    learned = replace(built, recipe=Recipe(sparsity=0), quality="recognisability")
    wanted = []
    for each in (learned, replace(built, quality="both")):
        merit = build_pair(each, tmp_path / each.quality).merit
        assert merit is not None
        wanted.append(merit.area.value)
    monkeypatch.setattr(build, "_embedded", None)
    monkeypatch.setattr(Bench, "embedded", None)
    known = LoadedEntry(find_entry(GATE_NETWORK), built.network)
    text = other_measures(known, built, None, Progress(disable=True))
    found = [float(each) for each in re.findall(r"figure of merit (\S+)", text)]
    assert found == pytest.approx(wanted, abs=2e-3)  # another graph rounds differently


def test_with_a_second_opinion_other_measures_are_judged_with_it_too(tmp_path, built, faces):
    second = find_entry(str(write_brightness(tmp_path)))
    of = replace(built, reference=faces.images, second_opinion=second)
    build_pair(of, tmp_path / "own")
    known = LoadedEntry(find_entry(GATE_NETWORK), built.network)
    text = other_measures(known, of, None, Progress(disable=True))
    assert text.startswith("what else could measure quality, with brightness but for ")
    wanted = build_pair(replace(of, quality="both"), tmp_path / "both").fused_merit
    assert wanted is not None
    assert wanted.better_below == 1 - FLATTERED["both"]
    found = float(re.findall(r"figure of merit (\S+)", text)[1])
    assert found == pytest.approx(wanted.area.value, abs=2e-3)


def test_the_lines_name_figures_and_the_one_line_to_change(asked):
    text = asked(UNSURE, {"gate": BETTER})
    assert "ratio 0.600 [0.300, 0.700]" in text
    assert "take '--quality gate' (or 'quality: gate' in the network's entry file)" in text
    assert "entry file" not in asked(GOOD, {})
    assert "take '--quality both'" in asked(GOOD, {"both": BETTER})
    where = Path("pairs/of mine")
    assert ("take '--quality both --recipe-of 'pairs/of mine'' (or 'quality: both'") in asked(
        GOOD, {"both": BETTER}, where=where
    )
    assert "recipe-of" not in asked(GOOD, {"gate": BETTER}, where=where)


def test_a_gate_that_cannot_be_judged_says_why(asked):
    text = asked(None, {"gate": FetchError("no network")})
    assert "could not be judged: no network" in text
    assert "nothing is surely better than the norm" in text


def test_the_gates_own_network_has_no_gate_beside_it(asked):
    text = asked(GOOD, {"recognisability": UNSURE}, "mobilefacenet512")
    assert "gate" not in text
    assert "'--quality recognisability'" in text
