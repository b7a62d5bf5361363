"""
Run in a subprocess with a real TensorRT-RTX: build the plan of each quality network, FP16 and FP32.

    python rtx_opinions.py ENTRY ...

Prints one JSON object: network -> precision -> what came of it.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.progress import Progress

from engines.catalogue.catalogue import find_entry
from engines.pair.quality_network import load_quality_network
from engines.plans.options import PlanOptions
from engines.plans.planned_detector import SetNetwork
from engines.plans.set_networks import prepare_set
from engines.plans.workshop import Tools, build_network_plan, open_workshop
from engines.quality.preprocess import input_axes
from engines.tensorrt.profile import ShapeProfile
from engines.tensorrt.sidecar import read_sidecar


def facts(entry: str, precision: Any, folder: Path) -> dict[str, Any]:
    """Build as `second_opinion_plan` does, of the file that a pair keeps."""
    options = PlanOptions("rtx", precision, compute_capability="SM86")
    shop = open_workshop(options, Tools(available=lambda: 1 << 30))
    read = load_quality_network(find_entry(entry))
    file = folder / "second-opinion.onnx"
    file.write_bytes(read.model.SerializeToString())
    shapes = ShapeProfile.batches(options.profile, input_axes(read.specification))
    (network,) = prepare_set((SetNetwork("opinion", file, shapes),), options, shop.typing)
    sidecar = read_sidecar(
        folder / build_network_plan(folder, network, None, shop, Progress(disable=True)).name
    )
    return {
        "version": sidecar.fingerprint.tensorrt,
        "input": sidecar.input.shape,
        "outputs": [each.shape for each in sidecar.outputs],
        "largest": sidecar.input_shapes.largest,
        "half_weights": sidecar.source.half_weights,
    }


def main() -> None:
    with TemporaryDirectory() as scratch:
        found = {
            Path(entry).stem: {each: facts(entry, each, Path(scratch)) for each in ("fp16", "fp32")}
            for entry in sys.argv[1:]
        }
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
