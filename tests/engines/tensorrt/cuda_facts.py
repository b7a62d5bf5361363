"""
Run in a subprocess with a real CUDA binding and no GPU: ask everything once, print the answers.

    python cuda_facts.py cuda-python|libcudart
"""

import json
import sys
from typing import Any

import numpy as np

from engines.tensorrt.cuda.choose import BINDINGS
from engines.tensorrt.cuda.port import HostMemory
from engines.tensorrt.errors import CudaError

HOST = HostMemory(np.zeros(8, np.uint8), 4096, None)
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "device": (),
    "allocate": (8,),
    "free": (4096,),
    "allocate_host": (8, True),
    "free_host": (HOST,),
    "copy_in": (4096, HOST, 8, 0),
    "copy_out": (HOST, 4096, 8, 0),
    "create_stream": (),
    "destroy_stream": (4096,),
    "synchronise": (0,),
    "create_event": (),
    "destroy_event": (4096,),
    "record": (4096, 0),
    "wait": (0, 4096),
    "elapsed_ms": (4096, 4096),
    "capture": (lambda: None, 4096),
    "launch": (4096, 0),
    "destroy_graph": (4096,),
}


def answer(call: Any, arguments: tuple[Any, ...]) -> str:
    try:
        return f"returned {call(*arguments)}"
    except CudaError as error:
        return str(error)


if __name__ == "__main__":
    port = BINDINGS[sys.argv[1]]()
    print(json.dumps({n: answer(getattr(port, n), a) for n, a in ARGUMENTS.items()}))  # noqa: T201
