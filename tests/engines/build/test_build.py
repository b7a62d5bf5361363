from dataclasses import replace

import numpy as np
import onnx
import pytest
from rich.progress import Progress

from engines.build.build import GOLDEN_FACES, BuildRequest, _require_lossless, build_pair
from engines.errors import NetworkError, PairError, PairRefusedError, RecipeError
from engines.graph.network import load_network
from engines.pair.manifest import read_manifest
from engines.pair.pair import open_pair, open_unproved
from engines.pruning.named_recipes import find_recipe
from engines.pruning.recipe import Cost, Recipe
from tests.edge.recordings import default_pair
from tests.networks import TinyNetwork, face_network, loaded, specification, write
from tests.pairs import request, synthetic_faces, tiny_pair


@pytest.mark.parametrize("ending", ["gemm", "reshape"])
def test_a_built_pair_opens_and_moves_its_golden_faces(tmp_path, ending):
    manifest = tiny_pair(tmp_path, TinyNetwork(ending=ending))
    with open_pair(tmp_path / "pair") as pair:
        _, golden = open_unproved(tmp_path / "pair")
        shift = pair.assess(golden.images).shift
    assert pair.manifest == manifest
    assert len(golden.images) == GOLDEN_FACES
    assert shift == pytest.approx(golden.shift, abs=1e-6)
    assert np.median(shift) > 1e-3


def test_the_manifest_tells_source_recipe_and_layers(tmp_path):
    network = loaded(tmp_path)
    recipe = Recipe(sparsity=0.25, keep_dense=("stem",))
    manifest = build_pair(request(network, recipe), tmp_path / "pair")
    assert manifest.network.source_sha256 == network.source_sha256
    assert manifest.recipe == recipe
    assert [(each.layer, each.masked) for each in manifest.layers] == [
        ("stem", 0),
        ("depthwise", 14),  # round(54 / 4), half to even
        ("embedding_raw", 240),
    ]
    zeros = [
        int((onnx.numpy_helper.to_array(each) == 0).sum())
        for each in onnx.load(tmp_path / "pair" / "pruned.onnx").graph.initializer
        if each.name.startswith(("stem_w", "depthwise_w", "gemm_w"))
        and not each.name.endswith("bias")
    ]
    assert sorted(zeros) == [0, 14, 240]


@pytest.mark.parametrize(
    "changes",
    [{"colour": "grey"}, {"mean": (120.0, 110.0, 100.0), "scale": (60.0, 58.0, 57.0)}],
    ids=["grey", "of each channel"],
)
def test_a_pair_of_another_input_opens_with_the_same_figures(tmp_path, changes):
    spec = specification(**changes)
    path = write(face_network(spec=spec), tmp_path)
    manifest = build_pair(request(load_network(path, spec)), tmp_path / "pair")
    with open_pair(tmp_path / "pair") as pair:
        assert pair.manifest.specification == spec
        assert pair.manifest.pair_id == manifest.pair_id


def test_building_twice_gives_the_same_pair(tmp_path):
    first = tiny_pair(tmp_path / "first")
    second = tiny_pair(tmp_path / "second")
    assert first.pair_id == second.pair_id
    assert first.files == second.files


def test_batch_norm_is_folded_in_both_halves(tmp_path):
    tiny_pair(tmp_path)
    for name in ("dense.onnx", "pruned.onnx"):
        nodes = onnx.load(tmp_path / "pair" / name).graph.node
        assert "BatchNormalization" not in {node.op_type for node in nodes}


def test_prelu_is_spelled_out_in_both_halves(tmp_path):
    """As in a fused pair: ONNX Runtime's own takes longer than the convolutions together."""
    tiny_pair(tmp_path)
    shipped = onnx.load(next((tmp_path / "sources").glob("*.onnx")))
    assert "PRelu" in {node.op_type for node in shipped.graph.node}
    for name in ("dense.onnx", "pruned.onnx"):
        nodes = onnx.load(tmp_path / "pair" / name).graph.node
        assert "PRelu" not in {node.op_type for node in nodes}


def test_a_fused_pair_scores_like_the_pair_of_two_plain_networks(tmp_path):
    recipe = Recipe(sparsity=0.3, layers=("embedding_raw",))
    faces = synthetic_faces(seed=7).images
    scored = {}
    for form in ("fused", "separate"):
        tiny_pair(tmp_path / form, TinyNetwork(dead_channels=2), recipe, form)
        with open_pair(tmp_path / form / "pair") as pair:
            scored[form] = pair.assess(faces)
    cosines = (scored["fused"].embeddings * scored["separate"].embeddings).sum(axis=1)
    assert cosines.min() > 0.999999
    # Nothing is said about dead channels by magnitude: live weights are the same in both.
    assert scored["fused"].shift == pytest.approx(scored["separate"].shift, abs=1e-5)


def test_a_pair_is_fused_unless_told_otherwise_and_says_what_it_costs(tmp_path):
    asked = request(loaded(tmp_path), Recipe(sparsity=0.3, layers=("embedding_raw",)))
    unasked = BuildRequest(asked.name, asked.licence, asked.network, asked.golden, asked.recipe)
    manifest = build_pair(unasked, tmp_path / "pair")
    assert set(manifest.files) == {"fused"}
    # 6 filters of 27 weights on 10 x 8, 6 of 9 on 5 x 4, then 120 x 8; once more only the last.
    alone = 6 * 27 * 80 + 6 * 9 * 20 + 120 * 8
    assert manifest.cost == Cost(as_shipped=alone, dense=alone, pair=alone + 120 * 8)
    assert [each.channels for each in manifest.compaction] == [6, 6]


def test_two_plain_networks_cost_twice(tmp_path):
    cost = tiny_pair(tmp_path).cost
    assert cost.pair == 2 * cost.dense == 2 * cost.as_shipped


def test_embeddings_that_compaction_would_change_are_refused_with_the_way_out():
    rows = np.eye(3, 8, dtype=np.float32)
    _require_lossless(rows, rows + np.float32(2e-4))
    with pytest.raises(NetworkError, match="--form separate"):
        _require_lossless(rows, rows + np.float32(1e-3))


@pytest.mark.registry
def test_the_default_network_loses_a_quarter_of_its_channels_and_no_embedding(tmp_path):
    manifest = read_manifest(default_pair(tmp_path / "pair"))
    assert manifest.recipe == find_recipe("mobilefacenet512", "fast")
    removed = sum(each.removed for each in manifest.compaction)
    assert removed > 0.25 * sum(each.channels for each in manifest.compaction)
    assert manifest.cost.dense < 0.67 * manifest.cost.as_shipped
    # That the golden faces' cosines are above 0.999999 is what building it has checked.


def test_sparsity_zero_did_not_move_and_is_refused(tmp_path):
    with pytest.raises(PairRefusedError, match="did not move: median shift 0"):
        tiny_pair(tmp_path, recipe=Recipe(sparsity=0))
    assert not (tmp_path / "pair").exists()


def test_a_pair_is_refused_before_its_many_reference_faces_are_embedded(tmp_path):
    unfit = np.zeros((1, 3, 3, 3), np.uint8)
    asked = replace(request(loaded(tmp_path), Recipe(sparsity=0)), reference=unfit)
    with pytest.raises(PairRefusedError, match="did not move"):
        build_pair(asked, tmp_path / "pair")


def test_a_pair_that_no_longer_tells_people_apart_is_refused(tmp_path):
    with pytest.raises(PairRefusedError, match="the pruned network collapsed: equal error rate"):
        tiny_pair(tmp_path, recipe=Recipe(sparsity=0.97))
    assert not (tmp_path / "pair").exists()


def test_a_network_that_knows_no_faces_is_refused(tmp_path):
    asked = request(loaded(tmp_path))
    shuffled = np.random.default_rng(0).permutation(asked.golden.subjects)
    strangers = replace(asked, golden=replace(asked.golden, subjects=tuple(shuffled.tolist())))
    with pytest.raises(
        PairRefusedError, match="dense network does not tell the golden faces apart"
    ):
        build_pair(strangers, tmp_path / "pair")


def test_a_refused_build_leaves_the_old_pair_in_use(tmp_path):
    old = tiny_pair(tmp_path)
    with pytest.raises(PairRefusedError):
        tiny_pair(tmp_path, recipe=Recipe(sparsity=0))
    assert read_manifest(tmp_path / "pair") == old


def test_a_new_pair_replaces_the_old_one(tmp_path):
    old = tiny_pair(tmp_path)
    new = tiny_pair(tmp_path, recipe=Recipe(sparsity=0.3))
    assert read_manifest(tmp_path / "pair") == new
    assert old.pair_id != new.pair_id
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pair", "sources"]


def test_a_folder_of_something_else_is_refused_before_any_work(tmp_path):
    (tmp_path / "pair").mkdir()
    (tmp_path / "pair" / "photograph.jpg").touch()
    wrong_recipe = Recipe(keep_dense=("absent",))
    with pytest.raises(PairError, match="exists and is no engine pair"):
        tiny_pair(tmp_path, recipe=wrong_recipe)


def test_an_unknown_layer_is_a_recipe_error(tmp_path):
    with pytest.raises(RecipeError, match="no prunable layer 'absent'"):
        tiny_pair(tmp_path, recipe=Recipe(keep_dense=("absent",)))


def test_a_batch_frozen_where_nobody_looks_is_refused(tmp_path):
    """Slice keeps the first face only: any batch runs, and gives one embedding."""
    network = loaded(tmp_path)
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    model.graph.node[-1].CopyFrom(
        onnx.helper.make_node("Slice", ["embedding_raw_norm", "from", "to", "axis"], ["embedding"])
    )
    for name, value in (("from", 0), ("to", 1), ("axis", 0)):
        model.graph.initializer.append(
            onnx.numpy_helper.from_array(np.array([value], np.int64), name)
        )
    with pytest.raises(NetworkError, match=r"a batch of 3 gives \(1, 8\) embeddings"):
        build_pair(request(replace(network, model=model)), tmp_path / "pair")


def test_a_batch_that_mixes_faces_is_refused(tmp_path):
    network = loaded(tmp_path)
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    model.graph.node[-1].CopyFrom(
        onnx.helper.make_node("Softmax", ["embedding_raw_norm"], ["embedding"], axis=0)
    )
    model.opset_import[0].version = 13
    with pytest.raises(NetworkError, match="other embeddings than one by one"):
        build_pair(request(replace(network, model=model)), tmp_path / "pair")


def test_a_batch_frozen_by_a_shape_nobody_can_open_is_refused(tmp_path):
    network = loaded(tmp_path)
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    model.graph.node[-1].CopyFrom(
        onnx.helper.make_node("Reshape", ["embedding_raw_norm", "eight"], ["embedding"])
    )
    model.graph.initializer.append(
        onnx.numpy_helper.from_array(np.array([1, 8], np.int64), "eight")
    )
    with pytest.raises(NetworkError, match="does not run a batch of 3"):
        build_pair(request(replace(network, model=model)), tmp_path / "pair")


class InterruptedProgress(Progress):
    """Ctrl-C arrives while the second network embeds its faces."""

    def track(self, sequence, description="", **_):  # type: ignore[override]
        if "pruned" in description:
            raise KeyboardInterrupt
        yield from sequence


def test_ctrl_c_while_embedding_leaves_the_old_pair_and_nothing_half_written(tmp_path):
    old = tiny_pair(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        build_pair(
            request(loaded(tmp_path / "sources")),
            tmp_path / "pair",
            InterruptedProgress(disable=True),
        )
    assert read_manifest(tmp_path / "pair") == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pair", "sources"]
