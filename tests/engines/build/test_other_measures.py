import pytest
from rich.progress import Progress

from engines.biometrics.bootstrap import Estimate
from engines.build import other_measures as measures
from engines.build.other_measures import advised, other_measures
from engines.catalogue.catalogue import find_entry
from engines.errors import FetchError
from engines.pair.merit import Merit

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
    assert advised(own, gate) == taken


def asked(monkeypatch, own, beside):
    def judged(*_):
        if isinstance(beside, Exception):
            raise beside
        return beside

    monkeypatch.setattr(measures, "unscaled_request", lambda *_: None)
    monkeypatch.setattr(measures, "judged", judged)
    return other_measures(find_entry("dlib-resnet"), own, 1, Progress(disable=True))


def test_the_lines_name_figures_and_the_one_line_to_change(monkeypatch):
    text = asked(monkeypatch, UNSURE, BETTER)
    assert "ratio 0.600 [0.300, 0.700]" in text
    assert "take '--quality gate' (or 'quality: gate' in the network's entry file)" in text
    assert "entry file" not in asked(monkeypatch, GOOD, None)


def test_a_gate_that_cannot_be_judged_says_why(monkeypatch):
    text = asked(monkeypatch, None, FetchError("no network"))
    assert "could not be judged: no network" in text
    assert "nothing is surely better than the norm" in text


def test_the_gates_own_network_has_nothing_beside_it():
    text = other_measures(find_entry("mobilefacenet512"), GOOD, 1, Progress(disable=True))
    assert "gate" not in text
