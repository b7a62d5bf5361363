"""Peak memory of builds, each in a process of its own, for tests that hold it as a ratio."""

import os
from pathlib import Path

import numpy as np
from rich.progress import Progress

from engines.build.build import BuildRequest, build_pair
from engines.calibration.faces import strangers
from engines.calibration.sweep import sweep
from engines.graph.network import Network, load_network
from engines.onnxruntime.backend import open_network
from engines.pair.manifest import read_manifest
from engines.pair.pair import EnginePair, open_pair, open_unproved
from engines.plans.gate import figures
from engines.plans.options import PlanOptions
from engines.pruning.candidates import candidates
from engines.pruning.form import lean
from engines.pruning.recipe import Recipe
from engines.quality.preprocess import prepare
from engines.quality.specification import FaceImages
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
    faces = strangers(images, np.arange(len(images)) % 2)
    slim, _ = lean(network)
    sweep(slim, candidates(slim)[::3], faces)
    return peak_bytes() - before


def open_and_reopen(pair: Path, size: int, times: int) -> tuple[int, int, int]:
    """Return what opening takes beyond one face in an unproved pair, and what reopening adds."""
    face = synthetic_faces(specification(size)).images[:1]
    unproved, _ = open_unproved(pair)
    unproved.assess(face)
    without = resident_bytes()
    unproved.close()
    opened = _opened(pair, face)
    proved = resident_bytes()
    for _ in range(times):
        again = _opened(pair, face)  # as the daemon does: the old one is closed after the new opens
        opened.close()
        opened = again
    return without, proved, resident_bytes()


def _opened(pair: Path, face: FaceImages) -> EnginePair:
    opened = open_pair(pair)
    opened.assess(face)
    return opened


def resident_bytes() -> int:
    """Return the resident set of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _loaded(file: Path, size: int) -> tuple[int, Network]:
    return _libraries_loaded(), load_network(file, specification(size))


def _libraries_loaded() -> int:
    open_network(face_network().SerializeToString()).close()
    return peak_bytes()
