"""
Print what INT8 does to an engine pair: the order of faces by quality, and the time.

    python -m tests.bench.int8_pair --pair pairs/mobilefacenet512

Static quantisation by ONNX Runtime (QDQ; weights for each channel, activations by their smallest
and largest value), calibrated on every second golden face and judged on the others; run by ONNX
Runtime and by OpenVINO, one thread, one face at a time, in turn. Ratios are of processor time to
the pair in float32 by the same library.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnx.version_converter
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from rich.progress import Progress

from engines.build.golden_faces import golden_faces
from engines.graph.fp16_gate import compare_outputs
from engines.onnxruntime.backend import open_network
from engines.openvino import backend as openvino
from engines.pair.manifest import read_manifest
from engines.quality.preprocess import prepare

Faces = NDArray[np.float32]
Run = Callable[[Faces], tuple[Faces, ...]]


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Gives faces to the calibration, one by one."""

    def __init__(self, faces: Faces) -> None:
        self._faces = iter(faces)

    def get_next(self) -> dict[str, Faces] | None:
        """Return the next one."""
        face = next(self._faces, None)
        return None if face is None else {"input": face[np.newaxis]}


def quantised(file: Path, faces: Faces, folder: Path) -> Path:
    """Return the network in INT8."""
    full, out = folder / "full.onnx", folder / "int8.onnx"
    # Scales for each channel came with operator set 13.
    onnx.save(onnx.version_converter.convert_version(onnx.load(file), 13), full)
    quantize_static(
        full,
        out,
        Reader(faces),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return out


def libraries(file: Path) -> dict[str, Run]:
    """Return the network in each library."""
    return {
        "ONNX Runtime": open_network(file).run,
        "OpenVINO": openvino.open_network(file, batches=openvino.FACES).run,
    }


def one_by_one(run: Run, faces: Faces) -> tuple[Faces, ...]:
    """Return the outputs for all faces."""
    rows = [run(face[np.newaxis]) for face in faces]
    return tuple(np.concatenate(each) for each in zip(*rows, strict=True))


def seconds(run: Run, faces: Faces) -> float:
    """Return the processor time of all faces."""
    start = time.process_time()
    one_by_one(run, faces)
    return time.process_time() - start


def rows(pair: Path, rounds: int) -> Iterator[str]:
    """Yield one line for each library."""
    manifest = read_manifest(pair)
    with Progress(disable=True) as bars:
        images = golden_faces(manifest.specification, bars).images
    inputs = prepare(images, manifest.specification)
    shown, judged = inputs[::2], inputs[1::2]
    file = pair / manifest.files["fused"].name
    with tempfile.TemporaryDirectory() as folder:
        full, small = libraries(file), libraries(quantised(file, shown, Path(folder)))
        for name, run in full.items():
            found = compare_outputs(one_by_one(run, judged), one_by_one(small[name], judged))
            ratios = [seconds(small[name], judged) / seconds(run, judged) for _ in range(rounds)]
            yield (
                f"| {name} | {found.min_cosine:.4f} | {found.relative_shift_error:.0%} | "
                f"{found.rank_agreement:.3f} | {np.median(ratios):.2f} |\n"
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pair", type=Path, required=True, metavar="DIR")
    parser.add_argument("--rounds", type=int, default=9, help="of all faces (default 9)")
    arguments = parser.parse_args()
    head = ("library", "lowest cosine", "shift off by, of the quartiles", "rank agreement", "time")
    sys.stdout.write(f"| {' | '.join(head)} |\n{'|---' * len(head)}|\n")
    sys.stdout.writelines(rows(arguments.pair, arguments.rounds))


if __name__ == "__main__":
    main()
