import pytest
from rich.progress import Progress

from engines.biometrics.bootstrap import Estimate
from engines.build import other_measures as measures
from engines.build.other_measures import advised, other_measures
from engines.build.request import LoadedEntry
from engines.catalogue.catalogue import find_entry
from engines.errors import FetchError
from engines.pair.merit import Merit
from engines.pruning.recipe import Recipe
from tests.networks import loaded

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
    assert advised(slightly, {"recognisability": GOOD}) == "own"


@pytest.fixture
def asked(monkeypatch, tmp_path):
    def ask(own, others, network="dlib-resnet"):
        wanted = []

        def request(_, recipe, *rest):
            wanted.append((rest[-1], recipe))
            return rest[-1]

        def judged(quality, _):
            found = others.get(quality)
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(measures, "unscaled_request", request)
        monkeypatch.setattr(measures, "judged", judged)
        known, recipe = LoadedEntry(find_entry(network), loaded(tmp_path)), Recipe(sparsity=0.2)
        text = other_measures(known, recipe, own, 1, Progress(disable=True))
        assert ("both", recipe) in wanted  # the others prune nothing, or another network
        assert all(each is None for quality, each in wanted if quality != "both")
        return text

    return ask


def test_the_lines_name_figures_and_the_one_line_to_change(asked):
    text = asked(UNSURE, {"gate": BETTER})
    assert "ratio 0.600 [0.300, 0.700]" in text
    assert "take '--quality gate' (or 'quality: gate' in the network's entry file)" in text
    assert "entry file" not in asked(GOOD, {})
    assert "take '--quality both'" in asked(GOOD, {"both": BETTER})


def test_a_gate_that_cannot_be_judged_says_why(asked):
    text = asked(None, {"gate": FetchError("no network")})
    assert "could not be judged: no network" in text
    assert "nothing is surely better than the norm" in text


def test_the_gates_own_network_has_no_gate_beside_it(asked):
    text = asked(GOOD, {"recognisability": UNSURE}, "mobilefacenet512")
    assert "gate" not in text
    assert "'--quality recognisability'" in text
