"""The FP16 gate sees on a CPU what a GPU would do, which ONNX Runtime's FP16 run does not."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from engines.errors import PrecisionError
from engines.graph.batch_norm import fold_batch_norm
from engines.graph.emulation import emulate_half, run_graph, run_with_peaks
from engines.graph.fp16_gate import Fp16Limits, measure_fp16, refuse_fp16
from engines.graph.half_precision import LARGEST_HALF, half_precision
from engines.pruning.prune import prune
from engines.pruning.recipe import Recipe
from tests.engines.graph.test_half_precision import two_branch_network
from tests.engines.overflowing import overflowing_network
from tests.networks import TinyNetwork, loaded


def inputs(count: int = 8, height: int = 8, width: int = 8) -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(0, 1, (count, 3, height, width)).astype(np.float32)


def plain_run(model: onnx.ModelProto, feed: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run as anyone would: all optimisations, CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"input": feed})[0]


def test_onnx_runtime_on_a_cpu_hides_an_fp16_overflow():
    half = half_precision(overflowing_network().model).model
    assert np.isfinite(plain_run(half, inputs())).all()


def test_the_emulation_shows_the_overflow_that_onnx_runtime_hides():
    half = half_precision(overflowing_network().model).model
    assert not np.isfinite(run_graph(emulate_half(half), inputs())[0]).all()


def test_the_gate_refuses_an_overflow_and_names_the_tensor():
    model = overflowing_network().model
    with pytest.raises(PrecisionError, match=r"FP16 overflows: .* in tensor 'wide'"):
        measure_fp16([model], [half_precision(model).model], inputs())


def test_folding_batch_norm_before_converting_removes_the_overflow():
    model = fold_batch_norm(overflowing_network()).model
    figures = measure_fp16([model], [half_precision(model).model], inputs())
    assert figures.deviation.min_cosine > 0.99999


def test_the_largest_activation_is_the_true_one():
    model = overflowing_network().model
    _, peaks = run_with_peaks(model, inputs())
    tapped = onnx.ModelProto()
    tapped.CopyFrom(model)
    tapped.graph.output[0].name = "wide"
    del tapped.graph.output[0].type.tensor_type.shape.dim[:]
    exact = run_graph(_without_shape(tapped), inputs())[0]
    assert peaks["wide"] == np.abs(exact).max() > LARGEST_HALF


def _without_shape(model: onnx.ModelProto) -> onnx.ModelProto:
    model.graph.output[0].type.tensor_type.ClearField("shape")
    return model


def test_observing_changes_no_output():
    model = fold_batch_norm(overflowing_network()).model
    (observed,), _ = run_with_peaks(model, inputs(40))
    np.testing.assert_array_equal(observed, run_graph(model, inputs(40))[0])


def test_the_emulation_rounds_every_fp16_tensor_as_numpy_does():
    model = two_branch_network()
    feed = np.random.default_rng(2).normal(0, 1, (5, 6)).astype(np.float32)
    weights = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    first = weights["first"].astype(np.float16).astype(np.float32)
    hidden = (feed.astype(np.float16).astype(np.float32) @ first).astype(np.float16)
    dense = np.maximum(hidden, 0).astype(np.float32) @ weights["dense_w"]
    emulated = run_graph(emulate_half(half_precision(model).model), feed)[0]
    # A sum of six products may differ in its last bit and so, rarely, round to the other neighbour.
    assert np.isclose(emulated, dense, rtol=1e-5, atol=1e-5).mean() > 0.9


def test_the_emulation_differs_from_fp32_by_about_the_precision_of_binary16():
    model = two_branch_network()
    feed = np.random.default_rng(2).normal(0, 1, (64, 6)).astype(np.float32)
    exact = run_graph(model, feed)[0]
    error = np.abs(run_graph(emulate_half(half_precision(model).model), feed)[0] - exact).max()
    assert 2**-14 < error / np.abs(exact).max() < 2**-9


def pair(folder, sparsity: float):
    dense = fold_batch_norm(loaded(folder, TinyNetwork(embedding_length=32, channels=16)))
    pruned, _ = prune(dense, Recipe("layer", sparsity))
    return [dense.model, pruned.model]


def figures_of(models):
    halves = [half_precision(model).model for model in models]
    return measure_fp16(models, halves, inputs(32, 20, 16))


def test_the_shift_of_a_pair_survives_fp16(tmp_path):
    figures = figures_of(pair(tmp_path, 0.3))
    refuse_fp16(figures, Fp16Limits())
    assert figures.deviation.rank_agreement > 0.99


def test_a_shift_of_the_size_of_fp16_rounding_is_refused(tmp_path):
    figures = figures_of(pair(tmp_path, 0.005))
    with pytest.raises(PrecisionError, match="interquartile range"):
        refuse_fp16(figures, Fp16Limits())


def test_a_fused_graph_is_measured_like_a_pair():
    model = two_branch_network()
    feed = np.random.default_rng(4).normal(0, 1, (32, 6)).astype(np.float32)
    figures = measure_fp16([model], [half_precision(model).model], feed)
    assert figures.deviation.shift_error is not None
    assert figures.deviation.shift_error < 0.01


def test_one_network_has_no_shift_to_err(tmp_path):
    figures = figures_of(pair(tmp_path, 0.3)[:1])
    assert figures.deviation.shift_error is None


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("min_cosine", 0.99, "cosine to FP32"),
        ("relative_shift_error", 0.2, "shift error"),
        ("rank_agreement", 0.9, "rank agreement"),
    ],
)
def test_each_limit_refuses_on_its_own(tmp_path, field, value, words):
    figures = figures_of(pair(tmp_path, 0.3))
    worse = replace(figures.deviation, **{field: value})
    with pytest.raises(PrecisionError, match=words):
        refuse_fp16(replace(figures, deviation=worse), Fp16Limits())
