"""
Time one network in several libraries, in turn, on one processor; called by `tests.bench.peers`.

    python -m tests.bench.peers_in_turn FOLDER ROUNDS

FOLDER holds published.onnx, spelled.onnx (the same, PRelu spelled out), pair.onnx, ncnn.param,
ncnn.bin, product.onnx (of two matrices) and faces.npy, (N, 3, height, width) float32 with N of at
least 4. Prints JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import ncnn
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from engines.onnxruntime.backend import open_network
from engines.openvino import backend as openvino
from engines.openvino.api import Precision, load_openvino

CALLS = 5
"""In each turn, after one that is not timed: the one before left other weights in the cache."""
WARM_UP = 3
"""Rounds that do not count."""
SIDE = 1024
"""Of the matrices whose product is the machine's own rate."""

Faces = NDArray[np.float32]
Run = Callable[[Faces], NDArray[np.float32]]


def onnx_runtime(file: Path) -> Run:
    """Return the network as the gate runs it."""
    network = open_network(file, threads=1)
    return lambda face: network.run(face)[0]


def open_vino(file: Path, precision: Precision = "f32") -> Run:
    """Return the network in OpenVINO, as the gate runs it."""
    network = openvino.open_network(file, 1, precision, openvino.FACES)
    return lambda face: network.run(face)[0]


def opencv(file: Path) -> Run:
    """Return the network in OpenCV's dnn module."""
    network = cv2.dnn.readNetFromONNX(str(file))

    def run(face: Faces) -> NDArray[np.float32]:
        network.setInput(face)
        return np.asarray(network.forward())

    return run


def in_ncnn(folder: Path) -> Run:
    """Return the network in ncnn."""
    network = ncnn.Net()
    network.opt.num_threads = 1
    network.load_param(str(folder / "ncnn.param"))
    network.load_model(str(folder / "ncnn.bin"))
    taken, given = network.input_names()[0], network.output_names()[0]

    def run(face: Faces) -> NDArray[np.float32]:
        extractor = network.create_extractor()
        extractor.input(taken, ncnn.Mat(face[0]))
        return np.array(extractor.extract(given)[1])[None]

    return run


def networks(folder: Path) -> dict[str, Run]:
    """Return every network by the name it has in the tables."""
    published, pair = folder / "published.onnx", folder / "pair.onnx"
    found = {
        "published, ONNX Runtime": onnx_runtime(published),
        "spelled, ONNX Runtime": onnx_runtime(folder / "spelled.onnx"),
        "published, ncnn": in_ncnn(folder),
        "published, OpenCV dnn": opencv(published),
        "published, OpenVINO": open_vino(published),
        "pair, ONNX Runtime": onnx_runtime(pair),
        "pair, OpenVINO f32": open_vino(pair),
    }
    if load_openvino().has_bf16:
        found["pair, OpenVINO bf16"] = open_vino(pair, "bf16")
    return found


def products(folder: Path) -> dict[str, Callable[[], object]]:
    """Return the product of two matrices, by NumPy's library and by ONNX Runtime's."""
    a, b = np.random.default_rng(0).normal(size=(2, SIDE, SIDE)).astype(np.float32)
    result = np.empty((SIDE, SIDE), np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(folder / "product.onnx"), options, providers=["CPUExecutionProvider"]
    )
    return {
        f"product of matrices of {SIDE}, NumPy": lambda: np.matmul(a, b, out=result),
        f"product of matrices of {SIDE}, ONNX Runtime": lambda: session.run(None, {"a": a, "b": b}),
    }


def timed(cases: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return processor seconds of a call by round; each round is a turn of every case."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(WARM_UP + rounds):
        for name, case in cases.items():
            case()
            start = time.process_time()
            for _ in range(CALLS):
                case()
            if number >= WARM_UP:
                taken[name].append((time.process_time() - start) / CALLS)
    return taken


def lowest_cosine(run: Run, expected: NDArray[np.float32], faces: Faces) -> float:
    """Return how near a library comes to ONNX Runtime's embeddings of the published file."""
    found = np.concatenate([run(face[None]) for face in faces])
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return float(((found * expected).sum(axis=1) / lengths).min())


def versions() -> Iterator[str]:
    """Yield each library with its version."""
    yield f"ONNX Runtime {onnxruntime.__version__}"
    yield f"OpenVINO {load_openvino().version}"
    yield f"OpenCV {cv2.__version__}"
    yield f"ncnn {ncnn.__version__}"
    yield f"NumPy {np.__version__}"


def main() -> None:
    """Measure and print."""
    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    cv2.setNumThreads(1)
    faces = np.load(folder / "faces.npy")
    opened = networks(folder)
    expected = np.concatenate([opened["published, ONNX Runtime"](face[None]) for face in faces])
    cases: dict[str, Callable[[], object]] = {
        name: lambda run=run: run(faces[:1])  # type: ignore[misc]
        for name, run in opened.items()
    }
    fours: dict[str, Callable[[], object]] = {
        f"{name}, four": lambda run=run: run(faces[:4])  # type: ignore[misc]
        for name, run in opened.items()
        if name.startswith("pair")
    }
    machine = products(folder)
    seconds = timed({**cases, **fours, **machine}, rounds)
    cosines = {name: lowest_cosine(run, expected, faces) for name, run in opened.items()}
    told: dict[str, Any] = {"seconds": seconds, "cosines": cosines, "versions": list(versions())}
    told |= {"products": list(machine), "product_flops": 2 * SIDE**3}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
