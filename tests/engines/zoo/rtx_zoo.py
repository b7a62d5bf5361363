"""
Run in a subprocess with a real TensorRT-RTX: build a plan of each export and print one JSON object.

    python rtx_zoo.py

Each pair is fused, in FP16, strongly typed; its largest sizes in bytes come by name.
"""

import json
import sys
import tempfile
from pathlib import Path

import onnx
from rich.progress import Progress

from engines.graph.half_precision import half_precision
from engines.graph.network import load_network
from engines.graph.prelu import join_prelu
from engines.plans.builder.build import build_plan
from engines.plans.builder.request import PlanRequest
from engines.pruning.form import form_pair
from engines.pruning.recipe import Recipe
from engines.quality.preprocess import input_axes
from engines.tensorrt.api import load_api
from engines.tensorrt.errors import BuildError
from engines.tensorrt.profile import BatchProfile, ShapeProfile
from tests.engines.zoo.zoo import LENGTH, UNOPENABLE, Export, unpacked

RTX = load_api("rtx")


def request(export: Export) -> PlanRequest:
    """Return what the builder asks for an export's pair."""
    network = load_network(export.path, export.specification, LENGTH)
    pair = form_pair(network, Recipe(sparsity=0.3), "fused")
    model = join_prelu(onnx.load_model_from_string(pair.files["fused"]))
    half = half_precision(model)
    single = bool(model.graph.input[0].type.tensor_type.shape.dim[0].dim_value)
    sizes = BatchProfile(smallest=1, usual=1 if single else 2, largest=1 if single else 4)
    return PlanRequest(
        title=export.name,
        onnx=half.model.SerializeToString(),
        input_name=network.input_name,
        shapes=ShapeProfile.batches(sizes, input_axes(export.specification)),
        outputs=tuple(each.name for each in model.graph.output),
        workspace_bytes=1 << 28,
        typing="strong",
        kept_fp32=half.report.kept,
        compute_capability="SM86",
    )


def built(export: Export) -> int | str:
    """Return the size of the plan, or why there is none."""
    try:
        return len(build_plan(RTX, request(export), Progress(disable=True)).content)
    except BuildError as error:
        return str(error)


def main() -> None:
    """Build all of them, or those named."""
    with tempfile.TemporaryDirectory() as folder:
        exports = unpacked(Path(folder))
        names = sys.argv[1:] or [name for name in exports if name != UNOPENABLE]
        sys.stdout.write(json.dumps({name: built(exports[name]) for name in names}) + "\n")


if __name__ == "__main__":
    main()
