"""
Print the peak memory of commands that build pairs of large networks, as a share of their file.

    python -m tests.bench.build_memory                  # both networks, all commands
    python -m tests.bench.build_memory --network residual --only fast

The networks have random weights (`tests.large_networks`), except for the last layer: it is fitted
to the golden faces, because a pair of a network that does not know these is refused.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from rich.progress import Progress

from engines.build.golden_faces import GoldenFaces, golden_faces
from engines.onnxruntime.backend import open_network
from engines.quality.preprocess import prepare
from tests.large_networks import residual, specification, transformer

NETWORKS: dict[str, Callable[[], onnx.ModelProto]] = {
    "residual": residual,
    "transformer": transformer,
}

COMMANDS = {
    "fast": ("build", "--sparsity", "0.2", "--layer", "fc"),
    "layers": ("build", "--sparsity", "0.1"),
    "channel": ("build", "--sparsity", "0.1", "--importance", "channel"),
    "global": ("build", "--sparsity", "0.1", "--scope", "global", "--count", "all"),
    "separate": ("build", "--sparsity", "0.1", "--form", "separate"),
    "calibrate": ("build", "--recipe", "calibrate"),
    "plan": ("plan", "--sparsity", "0.2", "--layer", "fc"),
}


def fit_last_layer(model: onnx.ModelProto, golden: GoldenFaces) -> None:
    """Let the layer `fc` map what it gets of each golden face to a vector of its subject."""
    node = next(each for each in model.graph.node if each.name == "fc")
    trunk = onnx.ModelProto()
    trunk.CopyFrom(model)
    del trunk.graph.output[:]
    trunk.graph.output.add().name = node.input[0]
    faces = prepare(golden.images, specification())
    network = open_network(trunk.SerializeToString(), os.cpu_count() or 1)
    features = np.concatenate(
        [network.run(faces[at : at + 4])[0] for at in range(0, len(faces), 4)]
    )
    subjects = sorted(set(golden.subjects))
    codes = np.random.default_rng(1).standard_normal((len(subjects), 512))
    wanted = codes[[subjects.index(each) for each in golden.subjects]]
    rows = features.astype(np.float64)
    likeness = rows @ rows.T
    likeness += np.eye(len(rows)) * 1e-3 * np.trace(likeness) / len(rows)
    weights = np.linalg.solve(likeness, wanted).T @ rows
    for tensor in model.graph.initializer:
        if tensor.name == "fc_w":
            tensor.CopyFrom(numpy_helper.from_array(weights.astype(np.float32), "fc_w"))


def write_entry(folder: Path, name: str) -> Path:
    """Write a network and its entry file."""
    model = NETWORKS[name]()
    fit_last_layer(model, golden_faces(specification(), Progress(disable=True)))
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    entry = {
        "name": name,
        "kind": "network",
        "licence": "none needed",
        "note": "random weights",
        "embedding_length": 512,
        "specification": asdict(specification()),
        "files": [{"name": f"{name}.onnx", "file": f"{name}.onnx"}],
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(entry))
    return path


def written_apart(folder: Path, name: str) -> Path:
    """
    Write them in a process of its own.

    The kernel counts the memory of the process that starts a command into the command's peak.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        return apart.submit(write_entry, folder, name).result()


def measured(words: list[str]) -> tuple[int, int, float]:
    """Run a command; return exit code, peak of the largest process in bytes, and seconds."""
    began = time.monotonic()
    process = os.posix_spawn(sys.executable, [sys.executable, *words], os.environ)
    _, status, usage = os.wait4(process, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--network", choices=NETWORKS, action="append", help="default: both")
    parser.add_argument("--only", choices=COMMANDS, action="append", help="default: all")
    parser.add_argument("--builder", default="build_engines.py", help="of which checkout")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.network or NETWORKS:
            entry = written_apart(Path(scratch), name)
            size = entry.with_suffix(".onnx").stat().st_size
            for which in arguments.only or COMMANDS:
                words = [*COMMANDS[which], "--network", str(entry), "--threads", "2"]
                out = ["--out", str(Path(scratch) / which)] if words[0] == "build" else []
                code, peak, seconds = measured([arguments.builder, *words, *out])
                sys.stdout.write(
                    f"{name} ({size / 1e6:.0f} MB) {which}: exit {code}, peak {peak / 1e6:.0f} MB "
                    f"({peak / size:.1f} times the file), {seconds:.0f} s\n"
                )


if __name__ == "__main__":
    main()
