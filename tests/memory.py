"""Peak memory of builds, each in a process of its own, for tests that hold it as a ratio."""

from pathlib import Path

import numpy as np
from rich.progress import Progress

from engines.build.build import BuildRequest, build_pair
from engines.calibration.faces import CalibrationFaces
from engines.calibration.sweep import sweep
from engines.graph.network import Network, load_network
from engines.onnxruntime.backend import open_network
from engines.pair.manifest import read_manifest
from engines.plans.gate import figures
from engines.plans.options import PlanOptions
from engines.pruning.candidates import candidates
from engines.pruning.form import lean
from engines.pruning.recipe import Recipe
from engines.quality.preprocess import prepare
from tests.large_networks import specification
from tests.networks import face_network
from tests.pairs import synthetic_faces


def peak_bytes() -> int:
    """Return the largest resident set of this process so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    line = next(each for each in lines if each.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def build(file: Path, size: int, out: Path) -> int:
    """Build a pair; return by how much the peak rose."""
    before, network = _loaded(file, size)
    asked = BuildRequest(
        name="large",
        licence="none needed",
        network=network,
        golden=synthetic_faces(network.specification),
        recipe=Recipe(sparsity=0.1, importance="channel"),
    )
    del network
    build_pair(asked, out, Progress(disable=True))
    return peak_bytes() - before


def measure_fp16(pair: Path) -> int:
    """Measure FP16 as before building plans; return by how much the peak rose."""
    before, manifest = _libraries_loaded(), read_manifest(pair)
    inputs = prepare(synthetic_faces(manifest.specification).images, manifest.specification)
    figures(pair, manifest, PlanOptions(), inputs, 1)
    return peak_bytes() - before


def calibrate(file: Path, size: int) -> int:
    """Try every third of the usual recipes; return by how much the peak rose."""
    before, network = _loaded(file, size)
    images = synthetic_faces(network.specification).images[:12]
    faces = CalibrationFaces(images, np.arange(len(images)) % 2)
    slim, _ = lean(network)
    sweep(slim, candidates(slim)[::3], faces)
    return peak_bytes() - before


def _loaded(file: Path, size: int) -> tuple[int, Network]:
    return _libraries_loaded(), load_network(file, specification(size))


def _libraries_loaded() -> int:
    open_network(face_network().SerializeToString()).close()
    return peak_bytes()
