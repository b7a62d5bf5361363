"""
Load a plan through a real CUDA binding and run it; the TensorRT is a fake that computes.

    python plan_facts.py cuda-python|pycuda|libcudart|auto [lost]

With `lost` the device fails while the plan runs.
"""

import json
import sys
import threading
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np

from engines.graph.emulation import run_graph
from engines.graph.half_precision import half_precision
from engines.tensorrt.backend import open_plans
from engines.tensorrt.cuda.choose import Binding, choose_cuda
from engines.tensorrt.cuda.port import CudaPort
from engines.tensorrt.errors import CudaError
from tests.engines.tensorrt.host_gpu import HostGpu
from tests.engines.tensorrt.plans import World, tiny_model


def lose(binding: Binding, folder: Path) -> dict[str, Any]:
    """Run on a device that fails, close, and wait for the thread that owned it."""
    lost: list[bool] = []

    def port() -> CudaPort:
        real = choose_cuda(binding).port

        def synchronise(stream: int) -> None:
            if lost:
                raise CudaError("CUDA: unspecified launch failure (error 719)")
            real.synchronise(stream)

        return replace(real, capture=None, synchronise=synchronise)

    world = World(gpu=HostGpu(port))  # type: ignore[arg-type]  # what the fake asks of it
    network = open_plans([world.write(folder, tiny_model(folder))], world.runtime())
    lost.append(True)
    said = ""
    try:
        network.run(np.zeros((1, 3, 20, 16), np.float32))
    except CudaError as error:
        said = str(error)
    network.close()
    for thread in threading.enumerate():
        if thread.name == "cuda":
            thread.join()
    return {"said": said}


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
        ask = lose if sys.argv[2:] == ["lost"] else facts
        print(json.dumps(ask(cast("Binding", sys.argv[1]), Path(scratch))))  # noqa: T201
