"""The entry of a bare network: read from its graph, tried, or assumed."""

from dataclasses import replace

import pytest

from engines.build import input_forms
from engines.build.input_forms import ColourFaces, TriedForm, TriedForms
from engines.build.own_network import (
    Proposal,
    arcface,
    entry_text,
    propose_entry,
    stated_specification,
)
from engines.catalogue.catalogue import find_entry
from engines.catalogue.entry import ARCFACE_TEMPLATE, read_entry
from engines.errors import CatalogueError, EntryError, NetworkError
from engines.graph.onnx_file import read_onnx
from tests.networks import TinyNetwork, face_network, specification, write
from tests.pairs import synthetic_faces


@pytest.fixture
def _colour_faces(monkeypatch):
    def synthetic(size, _):
        faces = synthetic_faces(size)
        return ColourFaces(faces.images, faces.subjects)

    monkeypatch.setattr(input_forms, "colour_faces", synthetic)


def read_specification(network):
    return stated_specification(read_onnx(network)[0], network)


def channels_last(model):
    """The same network behind a Transpose, as TensorFlow's converters write it."""
    first = model.graph.node[0]
    shape = model.graph.input[0].type.tensor_type.shape
    for axis, size in zip(shape.dim, (1, 20, 16, 3), strict=True):
        axis.dim_value = size
    first.input[0] = "turned"
    turn = type(first)(op_type="Transpose", input=["input"], output=["turned"], name="turn")
    turn.attribute.add(name="perm", ints=[0, 3, 1, 2], type=7)
    model.graph.node.insert(0, turn)
    return model


def test_size_and_layout_are_read_from_the_graph(tmp_path):
    found = read_specification(write(face_network(), tmp_path))
    assert (found.width, found.height, found.layout) == (16, 20, "nchw")


def test_channels_last_are_seen(tmp_path):
    found = read_specification(write(channels_last(face_network()), tmp_path))
    assert (found.width, found.height, found.layout) == (16, 20, "nhwc")


def test_one_channel_is_grey(tmp_path):
    model = face_network(spec=specification(colour="grey"))
    assert read_specification(write(model, tmp_path)).colour == "grey"


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((1, 3, 20, 0), "no single input is an image of stated size"),
        ((1, 4, 20, 16), "no single input is an image of stated size"),
        ((1, 3, 20, 64), "64x20 pixels are no size of a face image"),
        ((1, 3, 2000, 2000), "no size of a face image"),
    ],
)
def test_what_is_no_face_image_is_refused_with_the_way_out(tmp_path, sizes, message):
    model = face_network()
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    for axis, size in zip(dimensions, sizes, strict=True):
        axis.ClearField("value")
        if size:
            axis.dim_value = size
    with pytest.raises(NetworkError, match=message) as caught:
        read_specification(write(model, tmp_path))
    assert "write its entry (docs/networks.md)" in str(caught.value)


def test_the_template_of_another_size_is_the_same_face():
    assert arcface(112, 112) == ARCFACE_TEMPLATE
    for (x, y), (large_x, large_y) in zip(ARCFACE_TEMPLATE, arcface(224, 224), strict=True):
        assert ((large_x - 0.5) / 2, (large_y - 0.5) / 2) == pytest.approx((x, y), abs=1e-3)
    assert arcface(96, 112)[0] == pytest.approx((ARCFACE_TEMPLATE[0][0] - 8, 51.6963))


@pytest.mark.parametrize("name", ["mine.onnx", "w600k r50 (2).onnx", "Gesicht's ü.onnx", "-.onnx"])
@pytest.mark.parametrize("mean", [0.0, (123.675, 116.28, 103.53)])
def test_the_entry_that_is_written_says_what_was_found(tmp_path, name, mean):
    network = write(face_network(), tmp_path, name)
    found = replace(read_specification(network), mean=mean, colour="bgr")
    forms = TriedForms((TriedForm(found, 2, 0), TriedForm(replace(found, colour="rgb"), 1, 1)), 9)
    path = tmp_path / "entry.yaml"
    path.write_text(entry_text(network, Proposal(path, found, 8, forms)), encoding="utf-8")
    entry = read_entry(path)
    assert entry.specification == found
    assert entry.embedding_length == 8
    assert str(entry.files[0].source) == str(network)


def test_at_112_pixels_the_template_is_a_word(tmp_path):
    found = replace(specification(width=112, height=112), template=ARCFACE_TEMPLATE)
    forms = TriedForms((TriedForm(found, 2, 0),), 9)
    text = entry_text(tmp_path / "x.onnx", Proposal(tmp_path / "x.yaml", found, 8, forms))
    assert "template: arcface " in text


@pytest.mark.usefixtures("_colour_faces")
def test_a_proposed_entry_stands_beside_the_network_and_is_found_by_either_name(tmp_path):
    network = write(face_network(TinyNetwork(embedding_length=12)), tmp_path, "mine.onnx")
    proposal, read = propose_entry(network)
    assert read.specification == proposal.specification
    assert proposal.entry == tmp_path / "mine.yaml"
    assert find_entry(str(network)) == find_entry(str(proposal.entry))
    assert find_entry(str(network)).embedding_length == 12
    assert find_entry(str(network)).specification == proposal.tried.best.specification


def test_without_faces_in_colour_nothing_is_guessed(tmp_path, monkeypatch):
    def offline(*_):
        raise CatalogueError("npm: no network")

    monkeypatch.setattr(input_forms, "colour_faces", offline)
    network = write(face_network(), tmp_path, "mine.onnx")
    with pytest.raises(CatalogueError, match=r"are not guessed: .* npm: no network"):
        propose_entry(network)
    assert not (tmp_path / "mine.yaml").exists()


def test_a_network_without_an_entry_names_the_command_that_proposes_one(tmp_path):
    network = write(face_network(), tmp_path, "mine.onnx")
    with pytest.raises(EntryError, match=r"edge-gate pair build --network .*mine\.onnx"):
        find_entry(str(network))


def test_an_entry_beside_a_network_that_is_of_another_is_refused(tmp_path):
    network = write(face_network(), tmp_path, "mine.onnx")
    found = read_specification(network)
    forms = TriedForms((TriedForm(found, 2, 0),), 9)
    text = entry_text(tmp_path / "other.onnx", Proposal(tmp_path / "x.yaml", found, 8, forms))
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(EntryError, match=r"not the entry of mine\.onnx"):
        find_entry(str(network))
