import io
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress

from engines.biometrics.bootstrap import Estimate
from engines.biometrics.degrade import with_margin
from engines.build import build, second_opinion
from engines.build.build import build_pair, judged
from engines.build.judge import Judge, Recogniser, require_better
from engines.build.recognisability import learnt, with_held_out
from engines.build.report import manifest_tables, together_text, worth_text
from engines.build.verify import verify_pair
from engines.calibration.faces import calibration_faces
from engines.calibration.self_made import SelfMade
from engines.catalogue.catalogue import find_entry
from engines.errors import NotBetterError, RecipeError
from engines.graph.cost import multiply_adds
from engines.pair.manifest import NetworkRecord, read_manifest, without_second_opinion
from engines.pair.merit import FLATTERED, Merit, of_quality
from engines.pair.pair import open_pair
from engines.pair.second_opinion import qualities
from engines.plans.half_pair import pair_figures
from engines.pruning.norm_pair import norm_pair, quiet_vector
from engines.pruning.recipe import Recipe
from engines.quality.recognisability import LENGTH
from engines.quality.shift import embedding_shift, unit_rows
from tests.networks import TinyNetwork, loaded, specification
from tests.pairs import request, synthetic_faces
from tests.quality_networks import write_brightness

SURE = Estimate(0.5, 0.4, 0.6)


def worth(value, low, high):
    return Merit(SURE, SURE, Estimate(value, low, high))


@pytest.fixture(scope="module")
def faces():
    known = synthetic_faces(with_margin(specification()))
    return calibration_faces(known.images, specification(), subjects=known.subjects)


@pytest.fixture
def asked(tmp_path, faces):
    network = loaded(tmp_path, TinyNetwork(seed=3))
    return replace(request(network, form="fused"), judge=Judge(lambda: faces), accept_worse=True)


def test_a_pair_says_what_its_measure_is_worth_beside_the_norm(asked, tmp_path):
    manifest = build_pair(asked, tmp_path / "pair")
    assert manifest.merit is not None
    assert read_manifest(tmp_path / "pair").merit == manifest.merit
    assert manifest.merit.ratio.value == pytest.approx(
        manifest.merit.area.value / manifest.merit.norm.value
    )
    assert "embedding norm" in worth_text(manifest)
    assert judged(asked) == manifest.merit


def test_reference_faces_that_are_judged_too_are_embedded_once(asked, faces, tmp_path, monkeypatch):
    embedded = []

    def counted(file, request, images, *rest):
        embedded.append(len(images))
        return embed(file, request, images, *rest)

    embed = build._embedded
    monkeypatch.setattr(build, "_embedded", counted)
    both = replace(asked, reference=faces.images)
    merit = build_pair(both, tmp_path / "pair").merit
    assert merit == judged(asked)
    assert embedded.count(len(faces.images)) == 2  # the build once, and `judged`
    others = replace(both, reference=faces.images[:40])
    assert build_pair(others, tmp_path / "others").merit == merit


def test_a_pair_with_a_second_opinion_says_what_both_together_are_worth(asked, faces, tmp_path):
    alone = replace(asked, reference=faces.images)
    second = find_entry(str(write_brightness(tmp_path)))
    manifest = build_pair(replace(alone, second_opinion=second), tmp_path / "both")
    with open_pair(tmp_path / "both") as pair:
        scored = pair.assess(faces.images)
    made = SelfMade(faces, unit_rows(scored.embeddings))
    assert manifest.fused_merit is not None
    assert manifest.fused_merit.area.value == pytest.approx(made.area(-scored.shift), abs=1e-6)
    assert read_manifest(tmp_path / "both") == manifest
    assert (together_text(manifest) or "").startswith("with brightness: figure of merit ")
    plain = build_pair(alone, tmp_path / "alone")
    assert (plain.fused_merit, together_text(plain)) == (None, None)
    assert plain.merit == manifest.merit != manifest.fused_merit
    assert without_second_opinion(manifest).pair_id == plain.pair_id


def test_the_second_opinion_looks_once_at_reference_faces_that_are_judged_too(
    asked, faces, tmp_path, monkeypatch
):
    asked_of = []

    def counted(network, face_images, seen):
        asked_of.append(len(face_images))
        return qualities(network, face_images, seen)

    monkeypatch.setattr(second_opinion, "qualities", counted)
    second = find_entry(str(write_brightness(tmp_path)))
    both = replace(asked, second_opinion=second, reference=faces.images)
    worth_known = build_pair(both, tmp_path / "known").fused_merit
    assert asked_of.count(len(faces.images)) == 1
    monkeypatch.setattr(build, "_of_judged", lambda *_: None)
    again = build_pair(both, tmp_path / "again").fused_merit
    assert worth_known is not None
    assert again is not None
    assert worth_known.area.value == pytest.approx(again.area.value, abs=1e-9)


def test_a_pair_with_a_second_opinion_is_refused_by_what_both_are_worth(
    asked, faces, tmp_path, monkeypatch
):
    second = find_entry(str(write_brightness(tmp_path)))
    asked = replace(asked, reference=faces.images, second_opinion=second, accept_worse=False)
    for ratio, fit in ((0.9, True), (1.1, False)):
        found = worth(ratio, ratio, ratio)
        monkeypatch.setattr(build, "fused_merit", lambda *_, found=found: found)
        with nullcontext() if fit else pytest.raises(NotBetterError, match=r"ratio 1\.100"):
            build_pair(asked, tmp_path / str(ratio))


def test_a_measure_no_better_than_the_norm_is_refused_unless_accepted():
    require_better(None)
    require_better(worth(0.99, 0.9, 1.1))
    with pytest.raises(NotBetterError, match=r"ratio 1.010 \[0.950, 1.100\].*--accept-worse"):
        require_better(worth(1.01, 0.95, 1.1))


@pytest.mark.parametrize(
    ("quality", "surely", "unsure"),
    [("own", 0.89, 0.91), ("gate", 0.89, 0.91), ("both", 0.94, 0.96), ("recognisability", 0.99, 1)],
)
def test_better_is_said_the_more_carefully_the_more_a_figure_flatters(quality, surely, unsure):
    for high, verdict in ((surely, "better"), (unsure, "alike")):
        merit = of_quality(worth(0.8, 0.7, high), quality)
        assert merit.verdict == verdict
        assert merit.forecast == pytest.approx(0.8 + FLATTERED.get(quality, 0))


def test_a_pair_that_is_worse_than_the_norm_is_not_built(asked, tmp_path):
    worse = replace(asked, accept_worse=False, recipe=Recipe(importance="random", sparsity=0.02))
    merit = judged(worse)
    assert merit is not None
    assert merit.ratio.value >= 1
    with pytest.raises(NotBetterError):
        build_pair(worse, tmp_path / "worse")
    assert not (tmp_path / "worse").exists()


def test_errors_of_another_recogniser_are_judged_by_its_embeddings(asked, faces, tmp_path):
    rows = np.random.default_rng(0).normal(size=(len(faces.images), 16)).astype(np.float32)
    record = NetworkRecord(name="other", licence="none", source_sha256="0" * 64)
    judge = Judge(lambda: faces, Recogniser(record, rows))
    manifest = build_pair(replace(asked, quality="gate", judge=judge), tmp_path / "pair")
    assert manifest.recogniser == record
    assert "on errors of other" in worth_text(manifest)
    assert manifest.merit != build_pair(asked, tmp_path / "own").merit


def test_the_norm_as_a_measure_orders_faces_as_the_norm_does_in_one_pass(asked, tmp_path):
    manifest = build_pair(replace(asked, quality="norm", recipe=Recipe(sparsity=0)), tmp_path / "p")
    assert manifest.cost.pair == manifest.cost.dense
    assert multiply_adds(asked.network.model, specification()) >= manifest.cost.pair
    images = synthetic_faces(seed=5).images
    with open_pair(tmp_path / "p") as pair:
        dense, moved = pair.embed(images)
    norms = np.linalg.norm(dense, axis=1)
    shift = embedding_shift(dense, moved)
    vector = moved[0] - dense[0]
    np.testing.assert_allclose(moved - dense, np.tile(vector, (len(dense), 1)), atol=1e-5)
    across = vector - (dense @ vector / norms**2)[:, None] * dense
    expected = np.linalg.norm(across, axis=1) / norms  # to first order
    np.testing.assert_allclose(shift, expected, rtol=0.1)
    assert np.median(shift) == pytest.approx(LENGTH, rel=0.5)


def test_the_vector_lies_where_embeddings_vary_least():
    random = np.random.default_rng(0)
    rows = (random.normal(size=(50, 4)) * [5, 3, 0.01, 2]).astype(np.float32)
    vector = quiet_vector(rows)
    assert np.abs(vector / np.linalg.norm(vector)) == pytest.approx([0, 0, 1, 0], abs=0.01)
    assert np.linalg.norm(vector) == pytest.approx(
        LENGTH * np.median(np.linalg.norm(rows, axis=1)), rel=1e-6
    )


@pytest.mark.parametrize("quality", ["norm", "recognisability", "both"])
def test_what_is_no_plain_copy_is_one_graph(asked, tmp_path, quality):
    with pytest.raises(RecipeError, match="leave out --form separate"):
        build_pair(replace(asked, quality=quality, form="separate"), tmp_path / "pair")
    assert norm_pair(asked.network, np.eye(8, dtype=np.float32)).files.keys() == {"fused"}


def test_recognisability_is_learnt_of_the_judges_faces_and_takes_one_pass(asked, faces, tmp_path):
    known = replace(asked, quality="recognisability", recipe=Recipe(sparsity=0))
    manifest = build_pair(known, tmp_path / "pair")
    found = learnt(asked.network, faces, 1, Progress(disable=True))
    images = synthetic_faces(seed=5).images
    with open_pair(tmp_path / "pair") as pair:
        dense, moved = pair.embed(images)
    np.testing.assert_allclose(moved, found.moved(dense), rtol=1e-4, atol=1e-5)
    assert manifest.cost.pair < 1.1 * manifest.cost.dense
    screen = Console(file=io.StringIO(), width=300)
    screen.print(manifest_tables(manifest))
    assert "none: nothing is pruned" in screen.file.getvalue()  # type: ignore[attr-defined]
    assert manifest.merit is not None
    assert manifest.merit.better_below == 1
    assert "distance from unrecognisable faces" in worth_text(manifest)


def test_both_average_the_shift_of_the_masks_and_recognisability(asked, faces, tmp_path):
    second = replace(asked.recipe, layers=("stem",), sparsity=0.3)
    two = replace(asked, recipe=replace(asked.recipe, layers=("depthwise",), masks=(second,)))
    build_pair(two, tmp_path / "own")
    manifest = build_pair(replace(two, quality="both"), tmp_path / "both")
    images = synthetic_faces(seed=5).images
    shifts = []
    for name in ("own", "both"):
        with open_pair(tmp_path / name) as pair:
            shifts.append(pair.assess(images).shift)
    found = learnt(asked.network, faces, 1, Progress(disable=True))
    with open_pair(tmp_path / "own") as pair:
        dense, _ = pair.embed(images)
    alone = embedding_shift(dense, found.moved(dense))
    np.testing.assert_allclose(shifts[1], np.sqrt(shifts[0] * alone), rtol=1e-3)
    assert manifest.recipe == two.recipe
    verified = verify_pair(tmp_path / "both", golden=two.golden)
    assert verified.acceptance is not None
    assert verified.acceptance.median_shift == pytest.approx(manifest.acceptance.median_shift)
    assert pair_figures(tmp_path / "both", manifest, images).deviation.min_cosine > 0.999  # in FP16
    assert "their geometric mean" in worth_text(manifest)


@pytest.mark.parametrize("quality", ["recognisability", "both"])
def test_figures_and_scale_are_of_people_that_taught_nothing(asked, faces, tmp_path, quality):
    known = replace(asked, quality=quality, reference=faces.images)
    manifest = build_pair(known, tmp_path / "pair")
    with open_pair(tmp_path / "pair") as pair:
        dense, pruned = pair.embed(faces.images)
    shift = embedding_shift(*with_held_out(dense, pruned, faces))
    score = manifest.mapping.score(shift)
    assert np.mean(score >= 50) == pytest.approx(0.5, abs=0.02)
    assert manifest.merit == judged(known)
    made = SelfMade(faces, unit_rows(dense))
    assert manifest.merit is not None
    assert manifest.merit.area.value == pytest.approx(made.area(-shift), abs=1e-4)
