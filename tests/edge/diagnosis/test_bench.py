import json
from typing import cast

import numpy as np
import pytest

from edge.__main__ import main
from edge.diagnosis.bench import frame_cases, in_a_row, network_cases, network_times, ratios
from edge.errors import NoFaceError
from engines.pair.pair import EnginePair
from tests.edge.canned import BrightnessPair, CannedDetector, frame_of, upright_face
from tests.networks import specification
from tests.pairs import put_pair, synthetic_faces


def seconds(**cases):
    return {name.replace("_at_", " "): np.array(taken) for name, taken in cases.items()}


def test_a_ratio_is_the_median_of_the_ratios_within_the_rounds():
    taken = seconds(fused_at_1=[1.0, 30.0, 1.0], dense_as_shipped_at_1=[2.0, 60.0, 4.0])
    assert ratios(taken)["fused_over_dense_as_shipped"] == 0.5


def test_a_ratio_of_something_not_timed_is_absent():
    taken = seconds(two_pass_at_1=[2.0], dense_as_shipped_at_1=[1.0], fused_at_4=[1.0])
    assert ratios(taken) == {"two_pass_over_dense_as_shipped": 2.0}


def test_rates_count_faces_for_each_core():
    (time,) = network_times(seconds(fused_at_16=[0.2, 0.4, 0.3]), threads=2)
    assert (time.name, time.batch) == ("fused", 16)
    assert time.milliseconds == pytest.approx(300)
    assert time.faces_per_second_per_core == pytest.approx(16 / 0.3 / 2)


class RecordingNetwork:
    """Satisfies `EmbeddingNetwork`; remembers the batches it was given."""

    engine = "none"

    def __init__(self):
        self.batches = []

    def run(self, inputs):
        self.batches.append(len(inputs))
        return (inputs[:, 0, 0],)

    def close(self):
        """Nothing is open."""


def test_every_network_of_a_row_sees_every_batch_size():
    first, second = RecordingNetwork(), RecordingNetwork()
    faces = synthetic_faces(subjects=3, each=1).images
    cases = network_cases({"two_pass": in_a_row([first, second])}, faces, specification())
    for case in cases.values():
        case()
    assert list(cases) == ["two_pass 1", "two_pass 4", "two_pass 16"]
    assert first.batches == second.batches == [1, 4, 16]


def test_a_picture_without_a_face_cannot_be_timed():
    frame = frame_of(np.zeros((50, 50, 3), np.uint8))
    with pytest.raises(NoFaceError, match="--image"):
        frame_cases(frame, CannedDetector([]), cast("EnginePair", BrightnessPair()))


def test_the_whole_frame_is_detected_aligned_and_scored():
    pair = BrightnessPair()
    frame = frame_of(np.full((320, 320, 3), 200, np.uint8))
    cases, faces = frame_cases(frame, CannedDetector([upright_face()]), cast("EnginePair", pair))
    for case in cases.values():
        case()
    assert faces == 1
    assert pair.batches == [1]
    assert list(cases) == ["detector", "alignment", "whole_frame"]


@pytest.mark.registry
def test_the_command_prints_ratios_of_what_the_pair_offers(tmp_path, capsys):
    put_pair(tmp_path)
    words = ["bench", "--pair", str(tmp_path / "pair"), "--rounds", "1", "--json"]
    assert main(words) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert set(found["ratios"]) == {"two_pass_over_dense"}
    assert found["frame_faces"] >= 1
    assert found["peak_memory_mib"] > 1
    assert {one["name"] for one in found["networks"]} == {"dense", "two_pass"}
    assert "not timed" in " ".join(captured.err.split())
