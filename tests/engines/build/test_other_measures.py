import pytest
from rich.progress import Progress

from engines.biometrics.bootstrap import Estimate
from engines.build import other_measures as measures
from engines.build.other_measures import other_measures
from engines.catalogue.catalogue import find_entry
from engines.errors import FetchError
from engines.pair.merit import Merit

SURE = Estimate(0.5, 0.4, 0.6)


def asked(monkeypatch, own, beside):
    def judged(*_):
        if isinstance(beside, Exception):
            raise beside
        return None if beside is None else Merit(SURE, SURE, Estimate(beside, 0.6, 1.2))

    monkeypatch.setattr(measures, "build_request", lambda *_: None)
    monkeypatch.setattr(measures, "judged", judged)
    return other_measures(find_entry("dlib-resnet"), own, 1, Progress(disable=True))


@pytest.mark.parametrize(
    ("own", "beside", "taken"),
    [
        (0.9, 0.7, "take '--quality gate'"),
        (0.7, 0.9, "keep its own pair"),
        (0.7, 0.695, "keep its own pair"),  # alike
        (1.0, 1.1, "take '--quality norm'"),
        (1.0, None, "take '--quality norm'"),
        (0.8, FetchError("no network"), "keep its own pair"),
    ],
)
def test_what_to_take_follows_the_figures(monkeypatch, own, beside, taken):
    assert f"by these figures {taken}" in asked(monkeypatch, own, beside)


def test_a_gate_that_cannot_be_judged_says_why(monkeypatch):
    assert "could not be judged: no network" in asked(monkeypatch, 1, FetchError("no network"))


def test_the_gates_own_network_has_nothing_beside_it():
    text = other_measures(find_entry("mobilefacenet512"), 0.9, 1, Progress(disable=True))
    assert "gate" not in text
