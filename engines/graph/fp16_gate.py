"""
The FP16 gate: what half precision does to embeddings, shift and quality order, measured on the CPU.

ONNX Runtime's CPU kernels compute an FP16 network in FP32 and drop its casts, so such a run passes
a network that overflows on a GPU. The gate rewrites the graph instead: every tensor the file
declares FP16 is computed in FP32, rounded to FP16 and widened again. That is stricter than
TensorRT inside a fused kernel and says nothing about its order of accumulation.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.biometrics.ranks import spearman
from engines.errors import PrecisionError
from engines.graph.emulation import emulate_half, run_graph, run_with_peaks
from engines.graph.half_precision import LARGEST_HALF
from engines.quality.shift import embedding_shift, unit_rows

Outputs = tuple[NDArray[np.float32], ...]
"""(dense, pruned) embeddings, or (embedding, shift) of a fused graph, or one embedding."""


@dataclass(frozen=True, slots=True)
class Fp16Limits:
    """What a pair must reach to be run in FP16."""

    min_cosine: float = 0.999
    """Below it the threshold of a face recognition system enrolled in FP32 would move."""
    relative_shift_error: float = 0.1
    """A tenth of the interquartile range: no face changes its quarter of the quality scale."""
    rank_agreement: float = 0.99
    """The order of faces by quality is what the gate is for."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far outputs are from the FP32 ones on the same face images."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    min_cosine: float
    """Smallest cosine to an FP32 embedding, over images and networks; 1 is best."""
    shift_error: float | None
    """Largest absolute error of the embedding shift; None for a single network."""
    relative_shift_error: float | None
    """That error over the FP32 shifts' interquartile range: how much of the order it blurs."""
    rank_agreement: float | None
    """Spearman rank correlation of the quality over the images; 1 is best."""

    def missed(self, limits: Fp16Limits) -> tuple[str, ...]:
        """Return each limit that is missed, in words with both figures."""
        found = []
        if self.min_cosine < limits.min_cosine:
            found.append(f"cosine to FP32 {self.min_cosine:.6f} is below {limits.min_cosine}")
        relative = self.relative_shift_error
        if relative is not None and relative > limits.relative_shift_error:
            found.append(
                f"shift error {self.shift_error:.2e} is {relative:.0%} of the shifts' "
                f"interquartile range, above {limits.relative_shift_error:.0%}"
            )
        agreement = self.rank_agreement
        if agreement is not None and agreement < limits.rank_agreement:
            found.append(f"rank agreement {agreement:.4f} is below {limits.rank_agreement}")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Fp16Figures:
    """FP16 against FP32 on face images."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    face_images: int
    largest_activation: float
    """Largest absolute value of any tensor in FP32; FP16 ends at 65504."""
    largest_tensor: str
    """The tensor that holds it."""
    deviation: Deviation


def measure_fp16(
    full: Iterable[onnx.ModelProto],
    half: Iterable[onnx.ModelProto],
    inputs: NDArray[np.float32],
    threads: int = 1,
) -> Fp16Figures:
    """
    Measure what FP16 storage of every tensor does.

    Args:
        full: The FP32 networks: dense and pruned, or one fused graph, or one network; of iterators
            one is held at a time.
        half: Their FP16 forms (`precision.half_precision`), in the same order.
        inputs: (N, ...) float32 prepared face images; real ones, several people.
        threads: ONNX Runtime threads of each network.

    Raises:
        PrecisionError: An activation leaves FP16's range or an FP16 output is not finite.
    """
    observed = [run_with_peaks(model, inputs, threads) for model in full]
    expected = tuple(output for outputs, _ in observed for output in outputs)
    largest = (item for _, peaks in observed for item in peaks.items())
    tensor, peak = max(largest, key=lambda item: item[1])
    emulated = tuple(
        output for model in half for output in run_graph(emulate_half(model), inputs, threads)
    )
    if not all(np.isfinite(output).all() for output in emulated):
        raise PrecisionError(
            f"FP16 overflows: the largest activation is {peak:.0f} in tensor {tensor!r} and FP16 "
            f"ends at {LARGEST_HALF:.0f}: fold BatchNorm in FP32 before converting, keep the layer "
            "in FP32 with --keep-fp32 NODE, or build with --precision fp32"
        )
    return Fp16Figures(len(inputs), peak, tensor, compare_outputs(expected, emulated))


def refuse_fp16(figures: Fp16Figures, limits: Fp16Limits) -> None:
    """
    Raise if FP16 changes this pair more than the limits allow.

    Raises:
        PrecisionError: Names every limit that was missed, the figure, and what to do.
    """
    missed = figures.deviation.missed(limits)
    if missed:
        raise PrecisionError(
            f"FP16 is refused: {'; '.join(missed)}. Prune more so that the shift exceeds rounding, "
            "keep more layers in FP32 with --keep-fp32, or build with --precision fp32"
        )


def compare_outputs(expected: Outputs, found: Outputs) -> Deviation:
    """
    Return how far outputs are from the expected ones.

    Args:
        expected: Of the FP32 networks.
        found: Of the same networks in another precision or on another device.

    Raises:
        PrecisionError: The expected shifts are all equal, so they order nothing.
        EmbeddingError: An embedding is zero, NaN or infinite.
    """
    cosine = min(
        float((unit_rows(a) * unit_rows(b)).sum(axis=1).min())
        for a, b in zip(expected, found, strict=True)
        if _is_embedding(a)
    )
    wanted, got = _shift(expected), _shift(found)
    if wanted is None or got is None:
        return Deviation(cosine, None, None, None)
    error = float(np.abs(wanted - got).max())
    quartiles = np.quantile(wanted, (0.25, 0.75))
    spread = float(quartiles[1] - quartiles[0])
    if spread == 0:
        raise PrecisionError(
            "every face image has the same embedding shift, so quality orders nothing: "
            "give the gate images of several people, or prune more"
        )
    agreement = spearman(wanted.astype(np.float64), got.astype(np.float64))
    return Deviation(cosine, error, error / spread, agreement)


def _is_embedding(output: NDArray[np.float32]) -> bool:
    return output.ndim == 2 and output.shape[1] > 1


def _shift(outputs: Outputs) -> NDArray[np.float32] | None:
    if len(outputs) == 1:
        return None
    dense, second = outputs[:2]
    return embedding_shift(dense, second) if _is_embedding(second) else second.reshape(-1)
