"""Build an engine pair: fold, prune, try it on known faces, write it, open it as the gate will."""

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.amounts import amount
from engines.biometrics.identity_scale import identity_scale
from engines.build.golden_faces import GoldenFaces
from engines.build.judge import Heard, Judge, require_better
from engines.build.recognisability import learnt, with_held_out
from engines.build.second_opinion import AddedOpinion, add_second_opinion, fused_merit
from engines.catalogue.values import LEARNT, Catalogued, Quality
from engines.errors import BackendError, NetworkError, RecipeError
from engines.graph.batch import EXPORT_OPEN
from engines.graph.network import Network
from engines.onnxruntime.backend import open_for_build
from engines.onnxruntime.heap import trim_heap
from engines.pair.acceptance import Acceptance, assess_pair, compare_all, require_fit
from engines.pair.folder import replaced_at_once, require_destination
from engines.pair.golden_vectors import GoldenVectors, Tolerance, golden_vectors, write_vectors
from engines.pair.manifest import (
    SCHEMA,
    FileRecord,
    GoldenRecord,
    Manifest,
    NetworkRecord,
    identified,
    write_manifest,
)
from engines.pair.merit import Merit, of_quality
from engines.pair.pair import LARGEST_BATCH, open_pair
from engines.pruning.form import Form, FormedPair, form_pair
from engines.pruning.norm_pair import norm_pair
from engines.pruning.recipe import Recipe, Role
from engines.pruning.recognisability_output import pair_with_recognisability, recognisability_pair
from engines.quality.preprocess import prepare
from engines.quality.score_mapping import ScoreMapping, fit_score_mapping
from engines.quality.shift import embedding_shift, unit_rows
from engines.quality.specification import Embeddings, FaceImages

GOLDEN_FACES = 8
"""Faces replayed whenever the pair is opened: enough to notice a fault, a fraction of a second."""

SAME_COSINE = 0.99999
"""Between embeddings that differ only in the order of float32 sums."""

LOSSLESS_COSINE = 0.999999
"""Between embeddings as shipped and those after folding and compaction; a shift of 0.0014."""


@dataclass(frozen=True, slots=True, eq=False)
class BuildRequest:
    """What to build an engine pair from."""

    name: str
    """Of the network."""
    licence: str
    """Of the network, as its publisher declares it."""
    network: Network
    golden: GoldenFaces
    """Known faces, aligned to the network's template."""
    recipe: Recipe = Recipe()  # noqa: RUF009 -- frozen
    threads: int = 1
    """For each network call while building."""
    form: Form = "fused"
    """One lean graph, or two plain networks."""
    reference: FaceImages | None = None
    """
    (N, height, width, 3) uint8 BGR, the faces that scores are shares of; None takes the golden
    faces alone: for tests.
    """
    quality: Quality = "own"
    """What the shift says: `norm` and `recognisability` prune nothing, and take no recipe."""
    judge: Judge | None = None
    """Says what the measure is worth, and has the faces to learn from; None: nobody does."""
    second_opinion: Catalogued | None = None
    """Entry of a quality network that has a say in the score; needs `reference`."""
    accept_worse: bool = False
    """Build the pair though its measure is not better than the free embedding norm."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A pair whose networks are written but not yet accepted."""

    formed: FormedPair
    """Its files lie in the folder."""
    dense_rows: Embeddings
    pruned_rows: Embeddings
    reference_rows: tuple[Embeddings, Embeddings]
    """By both networks, of the reference faces; of the golden ones, until those are embedded."""


def build_pair(
    request: BuildRequest, out: str | Path, progress: Progress | None = None
) -> Manifest:
    """
    Build an engine pair into the folder `out` and return its manifest.

    A pair already there is replaced at once when the new one has been opened and proved; on any
    error, or Ctrl-C, it stays as it was and nothing half-written remains.

    Args:
        request: Network, golden faces and recipe.
        out: The pair's folder: a new one, an empty one, or one that holds a pair.
        progress: A running display of the caller's; None shows nothing.

    Raises:
        PairError: `out` holds something else or cannot be written.
        NetworkError: The network cannot run batches, or folding changed its embeddings.
        RecipeError: The recipe names layers that do not exist.
        PairRefusedError: The pair collapsed or did not move; see `require_fit`.
        NotBetterError: Its measure is not better than the free norm, and that was not accepted.
        EmbeddingError: The networks give embeddings without direction.
    """
    out = Path(out)
    require_destination(out)
    shown = progress or Progress(disable=True)
    with replaced_at_once(out) as folder:
        candidate = _candidate(request, folder, shown)
        acceptance = assess_pair(
            candidate.dense_rows, _of_masks(request, candidate), request.golden.subjects
        )
        require_fit(acceptance)
        files = {role: folder / f"{role}.onnx" for role in candidate.formed.files}
        if request.reference is not None:  # these are many: not for a pair that is refused
            known = _known_rows(request, files, shown)
            candidate = replace(candidate, reference_rows=known)
        judged_rows = _judged_rows(request, files, shown, candidate.reference_rows)
        manifest = _write(folder, request, candidate, (acceptance, judged_rows))
        if request.quality != "norm" and not request.accept_worse:
            require_better(manifest.fused_merit or manifest.merit)
        open_pair(folder, request.threads).close()
    return manifest


def judged(request: BuildRequest, progress: Progress | None = None) -> Merit | None:
    """
    Return what the measure of a pair would be worth, and build nothing.

    None where the request has no judge, or nothing can be said.
    """
    if request.judge is None:
        return None
    shown = progress or Progress(disable=True)
    with TemporaryDirectory(prefix="edge-gate-") as scratch:
        formed = _formed(request, Path(scratch), None, shown)
        files = {role: Path(scratch) / f"{role}.onnx" for role in formed.files}
        rows = _judged_rows(request, files, shown)
        return None if rows is None else merit_by(request.judge, rows, request.quality)


def merit_by(judge: Judge, rows: tuple[Embeddings, Embeddings], quality: Quality) -> Merit | None:
    """
    Return what a measure is worth.

    Args:
        judge: Whose faces and errors count.
        rows: Raw embeddings of its faces, as both outputs of a pair with this measure give them.
        quality: What the shift between them says.
    """
    found = judge.merit(*rows)
    return None if found is None else of_quality(found, quality)


def _of_masks(request: BuildRequest, candidate: _Candidate) -> Embeddings:
    """Return the golden faces' embeddings by the masks, which could have collapsed."""
    masks = len(request.recipe.single)
    return candidate.pruned_rows[:, : masks * request.network.embedding_length]


def _known_rows(
    request: BuildRequest, files: dict[Role, Path], progress: Progress
) -> tuple[Embeddings, Embeddings]:
    """Embed the reference faces; of those that recognisability was learnt of it is held out."""
    if request.reference is None:
        raise ValueError("no reference faces")
    dense, pruned = _both(files, request, request.reference, progress)
    if request.judge is None or request.quality not in LEARNT:
        return dense, pruned
    faces = request.judge.faces()
    count = len(faces.images)
    if not _begin_with(request.reference, faces.images):
        return dense, pruned
    _, first = with_held_out(dense[:count], pruned[:count], faces)
    return dense, np.concatenate((first, pruned[count:]))


def _judged_rows(
    request: BuildRequest,
    files: dict[Role, Path],
    progress: Progress,
    known: tuple[Embeddings, Embeddings] | None = None,
) -> tuple[Embeddings, Embeddings] | None:
    """Embed the judge's faces; `known` are those of the reference faces, not computed again."""
    if request.judge is None:
        return None
    faces = request.judge.faces()
    images = faces.images
    if known is not None and _begin_with(request.reference, images):
        dense, pruned = (rows[: len(images)] for rows in known)
        return dense, pruned
    rows = _both(files, request, images, progress)
    return with_held_out(*rows, faces) if request.quality in LEARNT else rows


def _begin_with(reference: FaceImages | None, images: FaceImages) -> bool:
    """Return whether the reference faces begin with these, as those of the catalogue do."""
    return reference is not None and np.array_equal(reference[: len(images)], images)


def _candidate(request: BuildRequest, folder: Path, progress: Progress) -> _Candidate:
    few, shipped_rows = _as_shipped(request, folder, progress)
    formed = _formed(request, folder, shipped_rows, progress)
    _require_sound(request, few, folder / f"{next(iter(formed.files))}.onnx")
    files = {role: folder / f"{role}.onnx" for role in formed.files}
    dense_rows, pruned_rows = _both(files, request, request.golden.images, progress)
    if shipped_rows is not None:
        _require_lossless(shipped_rows, dense_rows)
    return _Candidate(formed, dense_rows, pruned_rows, (dense_rows, pruned_rows))


def _formed(
    request: BuildRequest, folder: Path, rows: Embeddings | None, progress: Progress
) -> FormedPair:
    """Write the pair's networks; sessions read them from there, so that memory holds none."""
    if request.quality in LEARNT:
        formed = _with_learnt(request, progress)
    elif request.quality != "norm":
        formed = form_pair(request.network, request.recipe, request.form)
    elif rows is None:
        raise _one_graph(request)
    else:
        formed = norm_pair(request.network, rows)
    for role, content in formed.files.items():
        (folder / f"{role}.onnx").write_bytes(content)
    written = replace(formed, files=dict.fromkeys(formed.files, b""))
    del formed, content
    trim_heap()
    return written


def _with_learnt(request: BuildRequest, progress: Progress) -> FormedPair:
    if request.form != "fused":
        raise _one_graph(request)
    if request.judge is None:
        raise ValueError("recognisability is learnt of the judge's faces")
    found = learnt(request.network, request.judge.faces(), request.threads, progress)
    if request.quality == "recognisability":
        return recognisability_pair(request.network, found)
    return pair_with_recognisability(request.network, request.recipe, found)


def _one_graph(request: BuildRequest) -> RecipeError:
    return RecipeError(f"quality '{request.quality}' is one graph: leave out --form separate")


def _both(
    files: dict[Role, Path], request: BuildRequest, faces: FaceImages, progress: Progress
) -> tuple[Embeddings, Embeddings]:
    """Return the raw embeddings of the dense and of the pruned network."""
    dense, pruned = (
        rows
        for role, file in files.items()
        for rows in _embedded(file, request, faces, progress, f"{role} network")
    )
    return dense, pruned


def _as_shipped(
    request: BuildRequest, folder: Path, progress: Progress
) -> tuple[Embeddings, Embeddings | None]:
    """Return embeddings of a few faces one by one and, where ours must be equal, of all golden."""
    with TemporaryDirectory(dir=folder.parent) as scratch:
        file = Path(scratch) / "as-shipped.onnx"
        file.write_bytes(request.network.model.SerializeToString())
        with open_for_build(file, request.threads) as shipped:
            singly = np.concatenate([shipped.run(face[None])[0] for face in _few(request)])
        if request.form != "fused":
            return singly, None
        golden = request.golden.images
        (rows,) = _embedded(file, request, golden, progress, "network as shipped")
    return singly, rows


def _few(request: BuildRequest) -> NDArray[np.float32]:
    return prepare(request.golden.images[:3], request.network.specification)


def _require_sound(request: BuildRequest, singly: Embeddings, formed: Path) -> None:
    """Compare a few faces one by one through the file as it came with a batch through ours."""
    few = _few(request)
    advice = f"export it with an open batch: {EXPORT_OPEN}"
    try:
        with open_for_build(formed, request.threads) as network:
            together = network.run(few)[0]
    except BackendError as error:
        raise NetworkError(f"it does not run a batch of {len(few)}: {advice} ({error})") from error
    if together.shape != singly.shape:
        raise NetworkError(f"a batch of {len(few)} gives {together.shape} embeddings: {advice}")
    cosine = _lowest_cosine(singly, together)
    if cosine < SAME_COSINE:
        raise NetworkError(
            f"faces in a batch get other embeddings than one by one (cosine {cosine:.6f}): {advice}"
        )


def _require_lossless(shipped: Embeddings, dense: Embeddings) -> None:
    cosine = _lowest_cosine(shipped, dense)
    if cosine < LOSSLESS_COSINE:
        raise NetworkError(
            f"folding and compaction changed its embeddings (cosine {cosine:.7f}): "
            "it computes near the limits of float32; build with --form separate"
        )


def _lowest_cosine(first: Embeddings, second: Embeddings) -> float:
    return float((unit_rows(first) * unit_rows(second)).sum(axis=1).min())


def _embedded(
    file: Path, request: BuildRequest, faces: FaceImages, progress: Progress, what: str
) -> tuple[Embeddings, ...]:
    """Return raw embeddings of the faces, one array for each output of the network."""
    specification = request.network.specification
    starts = range(0, len(faces), LARGEST_BATCH)
    with open_for_build(file, request.threads) as network:
        parts = [
            network.run(prepare(faces[start : start + LARGEST_BATCH], specification))
            for start in progress.track(
                starts, description=f"embedding {amount(len(faces), 'face')}, {what}"
            )
        ]
    return tuple(np.concatenate(rows) for rows in zip(*parts, strict=True))


def _write(
    folder: Path,
    request: BuildRequest,
    candidate: _Candidate,
    found: tuple[Acceptance, tuple[Embeddings, Embeddings] | None],
) -> Manifest:
    acceptance, judged_rows = found
    files = candidate.formed.files
    write_vectors(folder / "golden.npz", _golden(request, candidate))
    network = request.network
    recogniser = request.judge.recogniser if request.judge else None
    shift = embedding_shift(*candidate.reference_rows)
    mapping = fit_score_mapping(shift)
    opinion = _second_opinion(folder, request, (shift, mapping))
    manifest = Manifest(
        schema=SCHEMA,
        pair_id="0" * 12,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        backend="onnxruntime",
        network=NetworkRecord(
            name=request.name, licence=request.licence, source_sha256=network.source_sha256
        ),
        specification=network.specification,
        embedding_length=network.embedding_length,
        recipe=request.recipe,
        files={role: FileRecord.of(folder / f"{role}.onnx") for role in files},
        golden=GoldenRecord(file=FileRecord.of(folder / "golden.npz"), tolerance=Tolerance()),
        mapping=mapping,
        second_opinion=None if opinion is None else opinion.record,
        acceptance=acceptance,
        identity=identity_scale(compare_all(candidate.dense_rows, request.golden.subjects)),
        versions=library_versions(),
        layers=candidate.formed.layers,
        compaction=candidate.formed.compaction,
        cost=candidate.formed.cost,
        quality=request.quality,
        recogniser=recogniser.record if recogniser else None,
    )
    if request.judge is not None and judged_rows is not None:
        request.judge.kept.rows = judged_rows
        request.judge.kept.heard = _heard(opinion, request, candidate.reference_rows)
        known = None if opinion is None else _of_judged(opinion, request)
        worth = {
            "merit": merit_by(request.judge, judged_rows, request.quality),
            "fused_merit": fused_merit(folder, manifest, request.judge, judged_rows, known),
        }
        manifest = manifest.model_copy(update=worth)
    manifest = identified(manifest)
    write_manifest(folder, manifest)
    return manifest


def _second_opinion(
    folder: Path, request: BuildRequest, measured: tuple[NDArray[np.float32], ScoreMapping]
) -> AddedOpinion | None:
    if request.second_opinion is None:
        return None
    if request.reference is None:
        raise ValueError("a second opinion needs reference faces")
    golden = (_golden_images(request), request.network.specification)
    return add_second_opinion(folder, request.second_opinion, request.reference, measured, golden)


def _of_judged(opinion: AddedOpinion, request: BuildRequest) -> NDArray[np.float64] | None:
    """Return what it said of the judge's faces; None where these are no reference faces."""
    images = None if request.judge is None else request.judge.faces().images
    if images is None or not _begin_with(request.reference, images):
        return None
    return opinion.reference[: len(images)]


def _heard(
    opinion: AddedOpinion | None, request: BuildRequest, rows: tuple[Embeddings, Embeddings]
) -> Heard | None:
    if opinion is None or request.reference is None or _of_judged(opinion, request) is None:
        return None
    return Heard(rows, opinion.reference)


def _golden_images(request: BuildRequest) -> FaceImages:
    return request.golden.images[_some(request)]


def _some(request: BuildRequest) -> NDArray[np.intp]:
    """Return places evenly over all golden faces, so that they are of different subjects."""
    return np.unique(np.linspace(0, len(request.golden.images) - 1, GOLDEN_FACES).astype(int))


def _golden(request: BuildRequest, candidate: _Candidate) -> GoldenVectors:
    some = _some(request)
    return golden_vectors(
        request.golden.images[some], candidate.dense_rows[some], candidate.pruned_rows[some]
    )


def library_versions(names: Sequence[str] = ("onnx", "onnxruntime", "numpy")) -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide what a pair computes."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in names},
    }
