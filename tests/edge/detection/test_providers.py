"""ONNX Runtime's execution providers run the detector, too, and are insisted on as for the pair."""

import numpy as np
import onnxruntime
import pytest

from edge.config.file import read_config
from edge.detection import session
from edge.detection.mtcnn import MtcnnDetector
from edge.detection.open import open_configured, open_detector
from edge.detection.session import DETECTION_FLOOR
from edge.detection.yunet import YunetDetector, _OpenCvNetwork
from edge.detection.yunet_network import YunetNetwork
from engines.build.golden_faces import photographs_of, read_photograph
from engines.errors import ProviderError
from engines.onnxruntime.backend import open_network
from tests.edge.detection.test_open import settings, yunet_file

ELSEWHERE = ("AzureExecutionProvider", "CPUExecutionProvider")
"""What PyPI's ONNX Runtime has beside the CPU; it leaves all operators to it."""

pytestmark = [
    pytest.mark.registry,
    pytest.mark.skipif(
        ELSEWHERE[0] not in onnxruntime.get_available_providers(),
        reason="this ONNX Runtime has no second provider",
    ),
]


@pytest.fixture(params=["mtcnn", "ultraface68", "yunet"])
def chosen(request):
    return settings(request.param, threads=1)


@pytest.fixture
def opened(monkeypatch):
    """Return the providers in use of each network that is opened."""
    in_use = []

    def watched(*arguments):
        network = open_network(*arguments)
        assert network._session is not None
        in_use.append(network._session.get_providers())
        return network

    monkeypatch.setattr(session, "open_network", watched)
    return in_use


def test_each_network_of_a_detector_is_run_by_the_provider_asked_for(chosen, opened):
    open_detector(chosen, providers=ELSEWHERE)
    assert opened
    assert all(tuple(each) == ELSEWHERE for each in opened)


def test_pictures_go_whole_to_another_provider_than_the_cpu():
    for providers, in_pieces in ((ELSEWHERE[1:], True), (ELSEWHERE, False)):
        detector = open_detector(settings("mtcnn", threads=1), providers=providers)
        assert isinstance(detector, MtcnnDetector)
        assert detector._propose.prefers_pieces == in_pieces


def test_a_provider_that_is_not_there_is_not_replaced_by_the_cpu(chosen):
    with pytest.raises(ProviderError, match="here has no CUDAExecutionProvider, only"):
        open_detector(chosen, providers=("CUDAExecutionProvider", "CPUExecutionProvider"))


def test_the_providers_of_a_configuration_reach_its_detector(tmp_path):
    path = tmp_path / "gate.yaml"
    (tmp_path / "film.mp4").touch()
    path.write_text(
        "pair: pair\nsources: [{name: door, uri: film.mp4}]\n"
        "sinks: [{type: stdout}]\nengine: {providers: [CUDAExecutionProvider]}\n"
    )
    with pytest.raises(ProviderError, match="here has no CUDAExecutionProvider"):
        open_configured(read_config(path).config)


def test_yunet_without_opencv_finds_what_opencv_finds():
    alone, whole = (YunetDetector((yunet_file(),)) for _ in range(2))
    assert isinstance(alone._network, YunetNetwork)
    whole._network = _OpenCvNetwork(yunet_file(), 1, DETECTION_FLOOR)
    found = 0
    for file in sorted(set(photographs_of(["demo-photographs"]).values())):
        pixels = read_photograph(file)
        ours, theirs = alone.detect(pixels), whole.detect(pixels)
        assert len(ours) == len(theirs)
        found += len(ours)
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one.landmarks, other.landmarks, atol=0.05)
            assert one.detector_score == pytest.approx(other.detector_score, abs=1e-4)
            assert one.box.left == pytest.approx(other.box.left, abs=0.05)
            assert one.box.bottom == pytest.approx(other.box.bottom, abs=0.05)
    assert found >= 25
