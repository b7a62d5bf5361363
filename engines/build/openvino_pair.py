"""
Build an engine pair that OpenVINO runs, in bfloat16 where the golden faces keep their order.

The networks are the same ONNX files. What is decided here, once, is the precision of the
arithmetic: it moves every score a little, so it belongs into the manifest and thus the pair id.
"""

from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from engines.build.build import BuildRequest, build_pair
from engines.errors import BackendError, PrecisionError
from engines.graph.fp16_gate import Deviation, Fp16Limits, compare_outputs
from engines.openvino.api import OpenVino, Precision, load_openvino
from engines.pair.execution import Execution, open_networks
from engines.pair.folder import replaced_at_once, require_destination
from engines.pair.golden_vectors import Tolerance
from engines.pair.manifest import Manifest, read_manifest, write_changed
from engines.pair.pair import EnginePair, open_pair
from engines.quality.specification import Embeddings, FaceImages

BF16_TOLERANCE = Tolerance(minimum_cosine=0.999, shift_absolute=5e-3, shift_relative=0.05)
"""
Golden vectors are float32. In bfloat16 embeddings of mobilefacenet512 keep a cosine of 0.9995 and
more, on an AMD EPYC with AVX-512; another processor may sum in another order. A wrong colour order
still moves a cosine below 0.99.
"""


@dataclass(frozen=True, slots=True)
class Bf16Trial:
    """What bfloat16 does to a pair, and what comes of it."""

    precision: Precision
    """Which the pair is run in."""
    faces: int
    deviation: Deviation | None
    """From float32, on so many faces; None where it was not tried."""
    why_not: str
    """Why it is not bfloat16, in words; empty where it is."""


def build_openvino_pair(
    request: BuildRequest, out: Path, wanted: Precision | None, progress: Progress
) -> tuple[Manifest, Bf16Trial]:
    """
    Build an engine pair for OpenVINO into the folder `out`; else as `build_pair` does.

    Args:
        request: What to build the pair from; its golden faces decide about bfloat16.
        out: The pair's folder.
        wanted: None takes bfloat16 where the processor has it and the order of faces stays.
        progress: A running display of the caller's.

    Raises:
        NoOpenVinoError: OpenVINO is not installed.
        BackendError: bfloat16 is wanted, and the processor has none.
        PrecisionError: bfloat16 is wanted, and changes the pair more than the limits allow.
    """
    library = load_openvino()  # before the minutes of building
    if wanted == "bf16" and not library.has_bf16:
        raise BackendError("this processor does not compute bfloat16: take --precision fp32")
    require_destination(out)
    with replaced_at_once(out) as folder:
        build_pair(request, folder, progress)
        trial = _trial(folder, request.golden.images, wanted, library)
        if wanted == "bf16" and trial.precision != wanted:
            raise PrecisionError(f"{trial.why_not}: take --precision fp32")
        manifest = _rewritten(folder, trial.precision, library)
        open_pair(folder, request.threads).close()
    return manifest, trial


def _trial(
    folder: Path, faces: FaceImages, wanted: Precision | None, library: OpenVino
) -> Bf16Trial:
    if wanted == "f32":
        return Bf16Trial("f32", 0, None, "as asked for")
    if not library.has_bf16:
        return Bf16Trial("f32", 0, None, "this processor has no bfloat16")
    plain = read_manifest(folder)
    other = plain.model_copy(update={"backend": "openvino", "precision": "bf16"})
    expected, rounded = (_embedded(folder, each, faces) for each in (plain, other))
    found = compare_outputs(expected, rounded)
    missed = found.missed(Fp16Limits())
    if missed:
        return Bf16Trial("f32", len(faces), found, f"bfloat16 is refused: {'; '.join(missed)}")
    return Bf16Trial("bf16", len(faces), found, "")


def _embedded(folder: Path, manifest: Manifest, faces: FaceImages) -> tuple[Embeddings, Embeddings]:
    """Run the files in a pair's folder as a manifest says that need not lie there."""
    with EnginePair(manifest, open_networks(folder, manifest, 1, Execution())) as pair:
        return pair.embed(faces)


def _rewritten(folder: Path, precision: Precision, library: OpenVino) -> Manifest:
    """Let the pair's manifest say what runs it."""
    manifest = read_manifest(folder)
    update: dict[str, object] = {
        "backend": "openvino",
        "versions": {**manifest.versions, "openvino": library.version},
    }
    if precision == "bf16":
        update["precision"] = precision
        update["golden"] = manifest.golden.model_copy(update={"tolerance": BF16_TOLERANCE})
    return write_changed(folder, manifest, update)
