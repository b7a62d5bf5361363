import itertools
import re
import shlex
from contextlib import contextmanager
from dataclasses import asdict, replace

import numpy as np
import pytest

from edge.__main__ import EXIT_CONFIG, EXIT_FAILED, EXIT_USAGE, main
from edge.commands import pair as pair_command
from edge.entry import EXIT_INTERRUPTED
from engines.build import input_forms
from engines.build import other_measures as measures
from engines.build import request as pair_request
from engines.build.build import build_pair
from engines.build.input_forms import ColourFaces
from engines.catalogue.catalogue import fetch, find_entry
from engines.errors import PairRefusedError
from engines.graph.onnx_file import read_onnx
from engines.pair.manifest import identified, read_manifest, write_manifest
from engines.pair.pair import open_pair
from engines.pruning.recipe import Recipe
from engines.quality.score_mapping import ScoreMapping
from tests.few_faces import few_golden
from tests.networks import TinyNetwork, face_network, loaded, specification, write
from tests.pairs import put_pair, request, synthetic_faces, tiny_pair
from tests.quality_networks import write_brightness

ENTRY = """\
name: tiny
kind: network
licence: none needed
note: made by a test
embedding_length: 8
specification:
  {width: 16, height: 20, colour: bgr, mean: 127.5, scale: 128,
   template: [[5, 8], [11, 8], [8, 11], [5.5, 15], [10.5, 15]]}
files:
  - {name: tiny.onnx, file: tiny.onnx}
"""


@pytest.fixture
def _colour_faces(monkeypatch):
    """Synthetic ones, as the golden faces are: patterns in colour."""

    def synthetic(size, _):
        faces = synthetic_faces(size)
        return ColourFaces(faces.images, faces.subjects)

    monkeypatch.setattr(input_forms, "colour_faces", synthetic)


@pytest.fixture
def entry(tmp_path, _colour_faces):
    """An entry file of the user's own, for a network that learned nothing."""
    write(face_network(TinyNetwork(seed=3)), tmp_path, "tiny.onnx")
    (tmp_path / "tiny.yaml").write_text(ENTRY)
    return tmp_path / "tiny.yaml"


def median_score(pair, faces):
    return np.median(pair.mapping.score(pair.assess(faces).shift))


def run(*words):
    return main(["pair", *map(str, words)])


def test_inspect_prints_recipe_and_every_layer(tmp_path, capsys):
    manifest = put_pair(tmp_path)
    assert run("inspect", tmp_path / "pair") == 0
    printed = capsys.readouterr().out
    assert manifest.pair_id in printed
    for each in manifest.layers:
        assert re.search(rf"{each.layer} .* {each.masked} .* {each.sparsity:.4f}", printed)


def test_verify_of_a_sound_pair_exits_with_zero_and_of_an_edited_one_with_one(tmp_path, capsys):
    put_pair(tmp_path)
    assert run("verify", tmp_path / "pair") == 0
    assert "fit to score faces" in capsys.readouterr().out
    (tmp_path / "pair" / "dense.onnx").write_bytes(b"")
    assert run("verify", tmp_path / "pair") == EXIT_FAILED
    assert "dense.onnx" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "required: ACTION"),
        (("build",), "required: --out"),
        (("build", "--out", "x", "--scope", "layers"), "invalid choice: 'layers'"),
        (("build", "--out", "x", "--threads", "0"), "invalid choice: 0"),
        (("verify",), "required: DIR"),
    ],
)
def test_a_wrong_command_line_exits_with_64_and_says_what(capsys, words, message):
    with pytest.raises(SystemExit) as caught:
        run(*words)
    assert caught.value.code == EXIT_USAGE
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sparsity", "1"), "at least 0 and below 1"),
        (("--network", "mobilefacenet512x"), "did you mean 'mobilefacenet512'"),
    ],
)
def test_impossible_requests_exit_with_64_before_anything_is_fetched(
    tmp_path, capsys, monkeypatch, words, message
):
    monkeypatch.setenv("EDGE_GATE_CACHE", str(tmp_path / "cache"))
    assert run("build", "--out", tmp_path / "pair", *words) == EXIT_USAGE
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_entry_file_exits_with_78(tmp_path, entry, capsys):
    entry.write_text(ENTRY.replace("colour: bgr", "colour: purple"))
    code = run("build", "--network", entry, "--out", tmp_path / "pair")
    assert code == EXIT_CONFIG
    assert "colour" in capsys.readouterr().err


def test_a_detector_is_no_network(tmp_path, capsys):
    assert run("build", "--network", "mtcnn", "--out", tmp_path / "pair") == 1
    assert "mtcnn is a detector" in capsys.readouterr().err


def test_a_folder_without_pair_exits_with_one_and_names_the_command(tmp_path, capsys):
    assert run("inspect", tmp_path) == EXIT_FAILED
    assert "edge-gate pair build" in capsys.readouterr().err


def test_an_interrupted_command_exits_with_130(tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setitem(pair_command.ACTIONS, "inspect", interrupted)
    assert run("inspect", tmp_path) == EXIT_INTERRUPTED
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("command", [(), *((name,) for name in pair_command.ACTIONS)])
def test_help_of_each_command_explains_and_exits_with_zero(capsys, command):
    with pytest.raises(SystemExit) as caught:
        run(*command, "--help")
    assert caught.value.code == 0
    assert "usage: edge-gate pair" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--scope", "global"), {"scope": "global"}),
        (("--sparsity", "0.25"), {"sparsity": 0.25}),
        (("--count", "all"), {"count": "all"}),
        (("--importance", "channel"), {"importance": "channel"}),
        (("--structure", "channels"), {"structure": "channels"}),
        (("--layer", "stem", "--layer", "depthwise"), {"layers": ("stem", "depthwise")}),
        (("--keep-dense", "stem"), {"keep_dense": ("stem",)}),
    ],
)
def test_each_option_reaches_the_recipe(tmp_path, entry, monkeypatch, words, expected):
    tiny_faces(monkeypatch)
    asked = []

    def refuse(request, *_):
        asked.append(request)
        raise PairRefusedError("seen enough")

    monkeypatch.setattr(pair_command, "build_pair", refuse)
    assert run("build", "--network", entry, "--out", tmp_path / "pair", *words) == EXIT_FAILED
    assert expected.items() <= asdict(asked[0].recipe).items()


def test_a_named_recipe_and_one_of_the_own_exclude_each_other(tmp_path, capsys):
    words = ("--recipe", "fast", "--keep-dense", "stem", "--out", tmp_path / "pair")
    assert run("build", *words) == EXIT_USAGE
    assert "--recipe fast is a whole recipe: leave out --keep-dense" in capsys.readouterr().err


def test_a_recipe_that_a_network_does_not_have_exits_with_64(tmp_path, entry, capsys):
    words = ("--network", entry, "--recipe", "best", "--out", tmp_path / "pair")
    assert run("build", *words) == EXIT_USAGE
    assert "tiny has no recipe 'best', only paper" in capsys.readouterr().err


def test_a_named_recipe_reaches_the_manifest(tmp_path, entry, monkeypatch):
    """The published one, under which the tiny network holds."""
    tiny_faces(monkeypatch)
    words = ("--network", entry, "--recipe", "paper", "--accept-worse", "--out", tmp_path / "pair")
    assert run("build", *words) == 0
    expected = Recipe(scope="global", sparsity=0.4, count="all")
    assert read_manifest(tmp_path / "pair").recipe == expected


@pytest.mark.registry
def test_a_network_that_learned_nothing_is_refused_on_real_faces(
    tmp_path, entry, capsys, monkeypatch
):
    monkeypatch.setattr(pair_request, "reference_faces", lambda *_: None)  # refused before
    assert run("build", "--network", entry, "--out", tmp_path / "pair") == 1
    assert "does not tell the golden faces apart" in capsys.readouterr().err
    assert not (tmp_path / "pair").exists()


@pytest.mark.registry
def test_the_default_network_gives_a_pair_that_scores_faces_above_their_own_mosaics(default_pair):
    assert run("verify", default_pair, "--faces") == 0
    manifest = read_manifest(default_pair)
    (source,) = fetch(find_entry("mobilefacenet512"))
    assert manifest.acceptance.pruned_error < 0.01
    assert manifest.layers[0].counted < manifest.layers[0].size  # dead channels are not counted
    assert (default_pair / "fused.onnx").stat().st_size < source.stat().st_size * 1.6
    with open_pair(default_pair) as pair:
        sharp = np.load(default_pair / "golden.npz")["images"]
        cells = sharp.reshape(-1, 14, 8, 14, 8, 3).mean(axis=(2, 4)).astype(np.uint8)
        mosaics = cells.repeat(8, axis=1).repeat(8, axis=2)
        assert median_score(pair, sharp) > median_score(pair, mosaics) + 20


@pytest.mark.registry
def test_half_of_the_default_networks_weights_are_too_many(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(pair_request, "golden_faces", few_golden)
    monkeypatch.setattr(pair_request, "reference_faces", lambda *_: None)  # refused before
    assert run("build", "--out", tmp_path / "pair", "--sparsity", "0.5", "--threads", "2") == 1
    assert "the pruned network collapsed" in capsys.readouterr().err


def tiny_faces(monkeypatch):
    monkeypatch.setattr(pair_request, "golden_faces", lambda size, _: synthetic_faces(size))
    monkeypatch.setattr(pair_request, "reference_faces", lambda *_: None)


def test_a_network_never_measured_is_calibrated_when_built(tmp_path, entry, monkeypatch):
    tiny_faces(monkeypatch)
    made, known_faces = [], pair_request.known_faces

    def counted(*given):
        made.append(given)
        return known_faces(*given)

    monkeypatch.setattr(pair_request, "known_faces", counted)
    words = ("build", "--network", entry, "--accept-worse", "--out")
    assert run(*words, tmp_path / "plain") == 0
    assert run(*words, tmp_path / "p", "--recipe", "calibrate") == 0
    recipes = [read_manifest(tmp_path / name).recipe for name in ("plain", "p")]
    assert recipes[0] == recipes[1]
    assert len(made) == 2  # once for each pair, to calibrate and to judge
    assert "stem" not in recipes[0].layers  # twice the price


def test_a_measure_not_better_than_the_norm_is_refused_naming_what_could_be_had_instead(
    tmp_path, entry, monkeypatch, capsys
):
    tiny_faces(monkeypatch)
    monkeypatch.setattr(measures, "GATE_NETWORK", "tiny")  # no second network is needed here
    words = ("build", "--network", entry, "--layer", "stem", "--layer", "depthwise")
    assert run(*words, "--out", tmp_path / "pair") == EXIT_FAILED
    printed = capsys.readouterr()
    assert "not better than the free embedding norm" in printed.err
    assert "--accept-worse" in printed.err
    assert "'--quality norm' does with one pass" in " ".join(printed.out.split())
    assert not (tmp_path / "pair").exists()


@pytest.mark.parametrize("where", ["option", "entry"])
def test_the_norm_can_be_the_measure_and_then_nothing_is_pruned(
    tmp_path, entry, monkeypatch, capsys, where
):
    tiny_faces(monkeypatch)
    asked = ("--quality", "norm") if where == "option" else ()
    if where == "entry":
        entry.write_text(ENTRY + "quality: norm\n")
    assert run("build", "--network", entry, *asked, "--out", tmp_path / "pair") == 0
    assert "the norm itself" in capsys.readouterr().out
    manifest = read_manifest(tmp_path / "pair")
    assert (manifest.quality, manifest.recipe.sparsity) == ("norm", 0)
    assert manifest.cost.pair == manifest.cost.dense


def test_the_norm_takes_no_recipe(tmp_path, entry, capsys):
    words = ("--network", entry, "--quality", "norm", "--sparsity", "0.1", "--out", tmp_path / "p")
    assert run("build", *words) == EXIT_USAGE
    assert "prunes nothing" in capsys.readouterr().err


SPELLED = ("--sparsity", "0.3", "--importance", "channel", "--layer", "stem")


@pytest.mark.parametrize(
    "asked",
    [
        (*SPELLED, "--quality", "own", "--form", "separate"),
        (*SPELLED, "--quality", "both"),
        ("--quality", "recognisability"),
        ("--recipe", "calibrate", "--quality", "own"),
    ],
    ids=["separate", "both", "recognisability", "calibrated"],
)
def test_the_command_of_a_pair_builds_the_same_pair_anew(tmp_path, entry, monkeypatch, asked):
    tiny_faces(monkeypatch)
    entry.write_text(ENTRY + "quality: norm\n")
    where = tmp_path / "pair"
    assert run("build", "--network", entry, *asked, "--accept-worse", "--out", where) == 0
    first = read_manifest(where)
    _, *words = shlex.split(first.build_command(where))
    words[words.index("tiny")] = str(entry)  # only the user knows where it lies
    assert main(words) == 0
    assert read_manifest(where).pair_id == first.pair_id


def test_several_masks_are_taken_from_the_pair_that_has_them(tmp_path, entry, monkeypatch, capsys):
    tiny_faces(monkeypatch)
    masks = (Recipe(sparsity=0.3, layers=("depthwise",)),)
    two = Recipe(sparsity=0.3, layers=("stem",), masks=masks)
    build_pair(request(loaded(tmp_path, TinyNetwork(seed=3)), two, "fused"), tmp_path / "two")
    words = ("build", "--network", entry, "--accept-worse", "--out", tmp_path / "pair")
    assert run(*words, "--recipe-of", tmp_path / "two") == 0
    assert read_manifest(tmp_path / "pair").recipe == two
    for other in (("--recipe", "paper"), ("--layer", "stem")):
        assert run(*words, "--recipe-of", tmp_path / "two", *other) == EXIT_USAGE
        assert "is a whole recipe: leave out --" in capsys.readouterr().err


def test_a_pair_that_prunes_nothing_has_no_recipe_to_take(tmp_path, entry, monkeypatch, capsys):
    tiny_faces(monkeypatch)
    words = ("build", "--network", entry, "--out")
    assert run(*words, tmp_path / "norm", "--quality", "norm") == 0
    assert run(*words, tmp_path / "own", "--recipe-of", tmp_path / "norm") == EXIT_USAGE
    assert "quality 'norm' prunes nothing" in capsys.readouterr().err


@pytest.mark.registry
def test_the_gates_network_can_judge_beside_a_recogniser_of_the_users(
    tmp_path, entry, capsys, monkeypatch
):
    monkeypatch.setattr(pair_request, "reference_faces", lambda *_: None)
    monkeypatch.setattr(pair_request, "golden_faces", few_golden)
    words = ("--network", entry, "--quality", "gate", "--accept-worse", "--out", tmp_path / "pair")
    assert run("build", *words) == 0
    assert "on errors of tiny" in capsys.readouterr().out
    manifest = read_manifest(tmp_path / "pair")
    assert manifest.network.name == "mobilefacenet512"
    assert manifest.recogniser is not None
    assert manifest.quality == "gate"


def test_scores_are_shares_of_the_reference_faces(tmp_path):
    asked = request(loaded(tmp_path), form="fused")
    images = synthetic_faces(seed=9).images
    build_pair(replace(asked, reference=images), tmp_path / "pair")
    with open_pair(tmp_path / "pair") as pair:
        assert median_score(pair, images) == pytest.approx(50, abs=2)
        assert median_score(pair, asked.golden.images) != pytest.approx(50, abs=2)


def old_pair(folder):
    """Return the folder of a pair as 0.1 built it: its scale has no version."""
    manifest = put_pair(folder)
    shift = manifest.acceptance.median_shift
    knots = ((0.0, 100.0), (0.5 * shift, 75.0), (shift, 50.0), (2 * shift, 25.0), (2.0, 0.0))
    old = manifest.model_copy(update={"mapping": ScoreMapping(knots)})
    write_manifest(folder / "pair", identified(old))
    return folder / "pair"


def test_a_threshold_of_an_older_pair_is_carried_over(tmp_path, capsys):
    old = old_pair(tmp_path / "old")
    new = tmp_path / "new" / "pair"
    put_pair(tmp_path / "new")
    assert run("inspect", new, "--of", old, "--threshold", 50) == 0
    cells = re.findall(r"[\d.]+", capsys.readouterr().out.splitlines()[-2])
    shift = read_manifest(new).acceptance.median_shift
    score = read_manifest(new).mapping.score(np.array([shift], np.float32))[0]
    assert [float(each) for each in cells] == pytest.approx([50, shift, score], rel=1e-3, abs=0.1)
    assert run("inspect", new, "--of", old) == 0
    assert capsys.readouterr().out.count("│") == 9 * 4


def test_a_pair_of_an_older_scale_keeps_its_id_and_says_its_scale(tmp_path, capsys):
    old = old_pair(tmp_path)
    assert "version" not in (old / "pair.yaml").read_text().partition("mapping:")[2][:200]
    with open_pair(old) as pair:
        assert pair.mapping.version == 1
    assert run("inspect", old) == 0
    assert "scale 1: undegraded golden faces" in capsys.readouterr().out


def test_thresholds_of_another_network_or_recipe_are_not_carried_over(tmp_path, capsys):
    put_pair(tmp_path / "one")
    tiny_pair(tmp_path / "two", recipe=Recipe(sparsity=0.3))
    tiny_pair(tmp_path / "three", TinyNetwork(seed=5))
    for name, what in (("two", "recipe"), ("three", "network")):
        assert run("inspect", tmp_path / "one" / "pair", "--of", tmp_path / name / "pair") == 1
        assert f"not the same {what}" in capsys.readouterr().err
    assert run("inspect", tmp_path / "one" / "pair", "--threshold", 40) == EXIT_USAGE


@pytest.mark.registry
@pytest.mark.parametrize(
    ("made", "code", "message"),
    [((), 64, "no such folder of images"), (("photographs",), 1, "no image below this folder")],
)
def test_a_calibration_without_photographs_says_so(tmp_path, capsys, made, code, message):
    for name in made:
        (tmp_path / name).mkdir()
    assert run("calibrate", "--images", tmp_path / "photographs") == code
    assert message in capsys.readouterr().err


@pytest.mark.registry
def test_calibrating_on_a_folder_of_photographs_builds_a_pair_of_their_scale(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.delattr(pair_request, "reference_faces")  # their scale needs no others
    monkeypatch.setattr(pair_request, "golden_faces", few_golden)
    folder = fetch(find_entry("orl-faces"))[0].parents[1]
    words = ("--images", folder, "--faces", 30, "--cost", 1.2, "--out", tmp_path / "pair")
    assert run("calibrate", *words, "--plot", tmp_path / "sweep.png") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "embedding norm" in printed
    assert (tmp_path / "sweep.png").read_bytes()[:4] == b"\x89PNG"
    manifest = read_manifest(tmp_path / "pair")
    assert manifest.recipe.layers[-1] in printed
    assert manifest.cost.pair <= 1.2 * manifest.cost.dense
    assert re.search(r"ratio 0\.\d+ \[.*\] \(self-made comparisons", printed)


@pytest.mark.registry
def test_calibrating_with_labels_reports_on_people_it_did_not_choose_on(tmp_path, capsys):
    folder = fetch(find_entry("orl-faces"))[0].parents[1]
    rows = ["image_a,image_b,mated,fold"]
    for fold, people in enumerate((range(1, 14), range(14, 27))):
        rows += [
            f"s{a}/{first}.pgm,s{b}/{second}.pgm,{int(a == b)},{fold}"
            for a, b in itertools.product(people, repeat=2)
            for first, second in ([(1, 2), (3, 4)] if a == b else [(1, 2)])
        ]
    (tmp_path / "pairs.csv").write_text("\n".join(rows))
    assert run("calibrate", "--images", folder, "--labels", tmp_path / "pairs.csv") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert re.search(r"chosen on 1\d\d pairs; on 1\d\d others", printed)  # some lost
    assert re.search(r"FMR 0.01: \d\.\d+ \[.*\], embedding norm .*, difference ", printed)
    assert "FMR 0.001 cannot be measured with 156 different non-mated" in printed


def test_a_pair_is_built_with_a_second_opinion_and_says_so(tmp_path, entry, monkeypatch, capsys):
    tiny_faces(monkeypatch)
    images = synthetic_faces(subjects=30, each=2, seed=4).images
    monkeypatch.setattr(pair_request, "reference_faces", lambda *_: images)
    second = write_brightness(tmp_path)
    asked = ("--network", entry, "--accept-worse", "--out", tmp_path / "pair")
    assert run("build", *asked, "--second-opinion", second) == 0
    assert "with brightness: figure of merit " in capsys.readouterr().out
    assert run("inspect", tmp_path / "pair") == 0
    assert "brightness (none needed), second-opinion.onnx" in capsys.readouterr().out
    assert run("build", *asked[:3], "--out", tmp_path / "alone") == 0
    assert run("inspect", tmp_path / "pair", "--of", tmp_path / "alone") == EXIT_FAILED
    assert "not the same second opinion" in capsys.readouterr().err
    assert run("build", *asked, "--second-opinion", entry) == EXIT_CONFIG
    assert "a quality network is needed" in capsys.readouterr().err


@contextmanager
def read_files():
    """Yield the files of networks that are read meanwhile."""
    read = []

    def counted(path):
        read.append(path)
        return read_onnx(path)

    with pytest.MonkeyPatch.context() as patch:
        for module in ("engines.build.own_network", "engines.graph.network"):
            patch.setattr(f"{module}.read_onnx", counted)
        yield read


@pytest.fixture
def _no_real_faces(monkeypatch):
    tiny_faces(monkeypatch)


@pytest.mark.usefixtures("_no_real_faces", "_colour_faces")
def test_a_bare_network_gets_its_entry_and_its_pair_in_one_step(tmp_path, capsys):
    network = write(face_network(TinyNetwork(seed=3)), tmp_path, "mine.onnx")
    words = ("--recipe", "paper", "--accept-worse", "--out", tmp_path / "pair")
    with read_files() as read:
        assert run("build", "--network", network, *words) == 0
    assert read == [network]
    printed = capsys.readouterr()
    assert "takes 16x20 pixels, NCHW, gives embeddings of 8 values" in printed.out
    assert f"{tmp_path / 'mine.yaml'}: written: " in printed.out
    assert "the template is ArcFace's, brought to this size" in printed.err
    entry = find_entry(str(tmp_path / "mine.yaml"))
    assert read_manifest(tmp_path / "pair").specification == entry.specification


@pytest.mark.usefixtures("_no_real_faces", "_colour_faces")
def test_an_entry_beside_the_network_is_taken_and_never_written_over(tmp_path, entry, capsys):
    written = entry.read_bytes()
    words = ("--recipe", "paper", "--accept-worse", "--out", tmp_path / "pair")
    with read_files() as read:
        assert run("build", "--network", entry.with_suffix(".onnx"), *words) == 0
    assert read == [entry.with_suffix(".onnx")]
    assert entry.read_bytes() == written
    assert read_manifest(tmp_path / "pair").specification == specification()
    assert "tiny: " in capsys.readouterr().out


@pytest.mark.usefixtures("_no_real_faces")
def test_a_wrong_scaling_in_an_entry_is_warned_of(tmp_path, entry, capsys):
    entry.write_text(ENTRY.replace("mean: 127.5, scale: 128", "mean: -1.0e+30, scale: 1"))
    words = ("--recipe", "paper", "--accept-worse", "--out", tmp_path / "pair")
    run("build", "--network", entry, *words)
    assert "warning: tiny: its entry says bgr, (pixel - -1e+30) / 1" in capsys.readouterr().err


def test_a_network_that_is_not_there_is_named(tmp_path, capsys):
    words = ("--network", tmp_path / "none.onnx", "--out", tmp_path / "pair")
    assert run("build", *words) == EXIT_FAILED
    assert "none.onnx: No such file" in capsys.readouterr().err
