"""
Load a plan through a real CUDA binding and run it; the TensorRT is a fake that computes.

    python plan_facts.py cuda-python|pycuda|libcudart|auto
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np

from engines.graph.emulation import run_graph
from engines.graph.half_precision import half_precision
from engines.tensorrt.backend import open_plans
from engines.tensorrt.cuda.choose import Binding, choose_cuda
from tests.engines.tensorrt.host_gpu import HostGpu
from tests.engines.tensorrt.plans import World, tiny_model


def facts(binding: Binding, folder: Path) -> dict[str, Any]:
    choices = []

    def port():
        choices.append(choose_cuda(binding))
        # What the fake TensorRT computes is nothing that the driver could record.
        return replace(choices[-1].port, capture=None)

    world = World(gpu=HostGpu(port))  # type: ignore[arg-type]  # what the fake asks of it
    models = [tiny_model(folder, seed) for seed in (1, 2)]
    paths = [world.write(folder / str(at), model) for at, model in enumerate(models)]
    network = open_plans(paths, world.runtime())
    inputs = np.random.default_rng(0).normal(0, 1, (5, 3, 20, 16)).astype(np.float32)
    wanted = [run_graph(half_precision(model).model, inputs)[0] for model in models]
    off = max(
        float(np.abs(one - other).max())
        for one, other in zip(network.run(inputs), wanted, strict=True)
    )
    timed = network.device_ms(inputs[:1], 2).tolist()
    network.close()
    (choice,) = choices
    return {
        "binding": choice.port.name,
        "passed_over": choice.passed_over,
        "off": off,
        "timed": timed,
    }


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        print(json.dumps(facts(cast("Binding", sys.argv[1]), Path(scratch))))  # noqa: T201
