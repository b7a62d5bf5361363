"""Quality networks: one made here whose quality is known, and LightQNet where it is at hand."""

import numpy as np
import pytest
import yaml

from engines.catalogue.catalogue import find_entry
from engines.errors import EmbeddingError, EntryError, NetworkError
from engines.onnxruntime.backend import open_network
from engines.pair.quality_network import QualityNetwork, load_quality_network
from tests.documents import ROOT
from tests.gate_data import gate_data
from tests.quality_networks import brightness_network, write_brightness


def opened(entry):
    network = load_quality_network(entry)
    running = open_network(network.model.SerializeToString())
    return QualityNetwork(running, network.specification, entry.direction)


def grey(*levels):
    return np.stack([np.full((24, 32, 3), level, np.uint8) for level in levels])


def test_the_quality_is_what_the_network_says_of_each_face(tmp_path):
    with opened(find_entry(str(write_brightness(tmp_path)))) as network:
        assert network.quality(grey(255, 0, 51)) == pytest.approx([1, 0, 0.2], abs=1e-4)  # float32


def test_where_lower_is_better_higher_is_better_after_all(tmp_path):
    with opened(find_entry(str(write_brightness(tmp_path, "lower")))) as network:
        dark, bright = network.quality(grey(20, 200))
        assert dark > bright


def test_a_quality_may_end_in_a_sigmoid_though_an_embedding_may_not(tmp_path):
    with opened(find_entry(str(write_brightness(tmp_path, ending="Sigmoid")))) as network:
        assert network.quality(grey(0)) == pytest.approx([0.5])


def test_a_quality_that_is_no_number_is_an_error(tmp_path):
    entry = find_entry(str(write_brightness(tmp_path, ending="Log")))
    with opened(entry) as network, pytest.raises(EmbeddingError, match="NaN or infinite"):
        network.quality(grey(0))


def test_an_entry_of_another_kind_is_refused():
    with pytest.raises(EntryError, match="mtcnn is of kind detector: a quality network is needed"):
        load_quality_network(find_entry("mtcnn"))


def test_a_network_of_more_than_one_value_is_refused(tmp_path):
    path = write_brightness(tmp_path)
    (tmp_path / "brightness.onnx").write_bytes(brightness_network(values=2).SerializeToString())
    with pytest.raises(NetworkError, match=r"brightness\.onnx: .* 2 values long, a quality is one"):
        load_quality_network(find_entry(str(path)))


@pytest.fixture
def lightqnet(tmp_path):
    """The example entry with its file beside it."""
    text = (ROOT / "configs" / "networks" / "lightqnet.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    content["files"][0]["file"] = str(gate_data("..", "models", "lightqnet-100.onnx"))
    (tmp_path / "entry.yaml").write_text(yaml.safe_dump(content))
    return find_entry(str(tmp_path / "entry.yaml"))


def test_the_example_entry_opens_lightqnet(lightqnet):
    noise = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), np.uint8)
    with opened(lightqnet) as network:
        values = network.quality(noise)
    assert ((values >= 0) & (values <= 1)).all()
