"""Which colour order and scaling a network was trained with, found on faces in colour."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.build import input_forms
from engines.build.form_remarks import colour_remarks, judged_form, undecided_colour
from engines.build.input_forms import (
    ColourFaces,
    TriedForm,
    TriedForms,
    colour_faces,
    common_forms,
    form_text,
    rival_forms,
    try_forms,
)
from engines.build.request import load_entry
from engines.calibration.faces import COPIES
from engines.catalogue.catalogue import fetch, find_entry
from engines.catalogue.entry import ARCFACE_TEMPLATE, read_entry
from engines.errors import CatalogueError
from engines.graph.network import load_network
from engines.quality.specification import InputSpecification
from tests.networks import TinyNetwork, face_network, loaded, specification, write
from tests.pairs import synthetic_faces

MODELS = Path(__file__).parents[4] / "shared" / "models"
RETAIL = "face-reidentification-retail-0095"
IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


def arcface(colour, mean=127.5, scale=127.5):
    return InputSpecification(112, 112, colour, mean, scale, "nchw", ARCFACE_TEMPLATE)


def tried(*figures):
    """Forms with separation and certainty that the first is better, the best first."""
    return TriedForms(tuple(TriedForm(*each) for each in figures), photographs=23)


def test_the_common_forms_are_both_orders_of_each_scaling():
    forms = common_forms(arcface("rgb"))
    assert len(set(forms)) == len(forms) == 8
    assert arcface("rgb", *IMAGENET) in forms
    assert arcface("bgr", IMAGENET[0][::-1], IMAGENET[1][::-1]) in forms


def test_a_grey_network_has_no_colour_order_to_try():
    forms = common_forms(specification(colour="grey"))
    assert {each.colour for each in forms} == {"grey"}
    assert not any(isinstance(each.mean, tuple) for each in forms)


def test_a_stated_form_is_tried_beside_the_same_with_its_colours_swapped():
    stated = arcface("bgr", (104.0, 117.0, 123.0), 1.0)
    first, second, *rest = rival_forms(stated)
    assert first == stated
    assert second == arcface("rgb", (123.0, 117.0, 104.0), 1.0)
    assert tuple(rest) == common_forms(stated)


def test_a_form_in_which_all_faces_are_alike_separates_nobody(tmp_path, monkeypatch):
    """Subtracting 1e30 leaves nothing of a pixel in float32."""
    faces = synthetic_faces()
    monkeypatch.setattr(
        input_forms, "colour_faces", lambda *_: ColourFaces(faces.images, faces.subjects)
    )
    good, hopeless = specification(), specification(mean=1e30)
    found = try_forms(loaded(tmp_path), [hopeless, good])
    assert found.best.specification == good
    assert found.of(hopeless).separation < 1
    assert found.is_worse(found.of(hopeless))


def test_a_swapped_colour_order_is_warned_of_with_both_figures():
    rgb, bgr = arcface("rgb"), arcface("bgr")
    found = tried((bgr, 2.33, 0.0), (rgb, 1.92, 1.0))
    (remark,) = judged_form("mine", found.of(rgb), found)
    assert remark.is_warning
    for part in (form_text(rgb), form_text(bgr), "1.92", "2.33", "100%", "order swapped?"):
        assert part in remark.text


def test_a_wrong_scaling_is_warned_of_as_such():
    found = tried((arcface("rgb", 0, 1), 2.3, 0.0), (arcface("rgb"), 0.2, 1.0))
    (remark,) = judged_form("mine", found.forms[1], found)
    assert remark.is_warning
    assert "are its mean and scale right?" in remark.text


def test_a_form_that_is_as_good_as_the_best_is_no_cause_for_a_warning():
    found = tried((arcface("rgb"), 2.31, 0.0), (arcface("rgb", 127.5, 128), 2.3, 0.55))
    (remark,) = judged_form("mine", found.forms[1], found)
    assert not remark.is_warning


def test_a_colour_order_that_the_faces_cannot_tell_is_said_to_be_unknown():
    found = tried((arcface("rgb"), 2.31, 0.0), (arcface("bgr"), 2.3, 0.7))
    (remark,) = undecided_colour("mine", found)
    assert remark.is_warning
    assert "cannot tell its colour order" in remark.text


def test_faces_that_cannot_be_obtained_are_said_to_be_unchecked(tmp_path, monkeypatch):
    def offline(*_):
        raise CatalogueError("npm: no network")

    monkeypatch.setattr(input_forms, "colour_faces", offline)
    write(face_network(TinyNetwork()), tmp_path, "tiny.onnx")
    (remark,) = colour_remarks(load_entry(read_entry(tiny_entry(tmp_path))))
    assert remark.is_warning
    assert "not checked: npm: no network" in remark.text


def tiny_entry(folder):
    points = [list(each) for each in specification().template]
    (folder / "tiny.yaml").write_text(
        "{name: tiny, kind: network, licence: none, embedding_length: 8, specification: {width: 16,"
        f" height: 20, colour: bgr, mean: 127.5, scale: 128, template: {points}}}, "
        "files: [{name: tiny.onnx, file: tiny.onnx}]}"
    )
    return folder / "tiny.yaml"


@pytest.mark.registry
def test_only_photographs_in_colour_are_taken_with_their_copies():
    faces = colour_faces(arcface("rgb"))
    assert len(faces.images) == len(faces.subjects) == 23 * (1 + COPIES)
    assert faces.subjects.count("obama") == 3 * (1 + COPIES)
    assert not any(name.startswith("orl") for name in faces.subjects)
    spread = np.ptp(faces.images[:: 1 + COPIES].astype(int), axis=-1).mean(axis=(1, 2))
    assert spread.min() > 2


def proves(network, stated):
    """Hold the order that is known against the other one."""
    other = "rgb" if stated.colour == "bgr" else "bgr"
    found = try_forms(network, [stated, replace(stated, colour=other)])
    assert found.best.specification == stated
    assert found.rivals == ()


@pytest.mark.registry
@pytest.mark.parametrize("name", ["mobilefacenet512", "dlib-resnet"])
def test_the_colour_order_of_the_catalogue_is_found(name):
    entry = find_entry(name)
    assert entry.specification is not None
    proves(load_network(fetch(entry)[0], entry.specification), entry.specification)


@pytest.mark.registry
@pytest.mark.parametrize(
    ("file", "stated"),
    [
        (f"{RETAIL}.onnx", None),
        ("mobilefacenet-y1.onnx", arcface("rgb", 0.0, 1.0)),
    ],
)
def test_the_colour_order_of_networks_of_others_is_found(file, stated):
    if not (MODELS / file).is_file():
        pytest.skip(f"{file} is not here")
    example = Path(__file__).parents[3] / "configs" / "networks" / f"{RETAIL}.yaml"
    stated = stated or read_entry(example).specification
    proves(load_network(MODELS / file, stated), stated)
