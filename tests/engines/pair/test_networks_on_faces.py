"""Every catalogued network verifies real people, so file, specification and template fit."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.detection.mtcnn import MtcnnDetector
from edge.evaluation.pair_list import PairList, read_pairs
from engines.biometrics.comparisons import Comparisons, best_threshold
from engines.build.golden_faces import golden_faces, read_photograph
from engines.catalogue.catalogue import Catalogued, entries, fetch, find_entry
from engines.graph.network import load_network
from engines.graph.prelu import spell_out_prelu
from engines.onnxruntime.backend import BUILD_BATCH, Use, open_network
from engines.quality.align import align
from engines.quality.preprocess import prepare
from engines.quality.specification import FaceImages, InputSpecification, Landmarks
from tests.gate_data import gate_data

ENTRIES = Path(__file__).parents[3] / "configs" / "networks"
RETAIL = "face-reidentification-retail-0095"
NETWORKS = [entry.name for entry in entries() if entry.kind == "network"]


def specified(entry: Catalogued) -> InputSpecification:
    assert entry.specification is not None
    return entry.specification


def embedded(entry: Catalogued, path: Path, faces: FaceImages) -> NDArray[np.float64]:
    """Return unit embeddings of aligned faces, by the network in the form that pairs run."""
    checked = load_network(path, specified(entry), entry.embedding_length)
    content = spell_out_prelu(checked.model).SerializeToString()
    network = open_network(content, use=Use(at_once=BUILD_BATCH))
    (embeddings,) = network.run(prepare(faces, specified(entry)))
    network.close()
    return embeddings / np.linalg.norm(embeddings.astype(np.float64), axis=1, keepdims=True)


def best_accuracy(cosines: NDArray[np.float64], mated: NDArray[np.bool_]) -> float:
    """Return the accuracy at the best threshold, mated and non-mated pairs weighing the same."""
    comparisons = Comparisons(cosines, mated)
    match = cosines >= best_threshold(comparisons)
    return float((match[mated].mean() + (~match[~mated]).mean()) / 2)


@pytest.mark.registry
@pytest.mark.parametrize("name", NETWORKS)
def test_people_of_the_golden_faces_are_told_apart(name: str):
    entry = find_entry(name)
    golden = golden_faces(specified(entry))
    units = embedded(entry, fetch(entry)[0], golden.images)
    pairs = np.array(list(combinations(range(len(units)), 2)))
    subjects = np.array(golden.subjects)
    mated = subjects[pairs[:, 0]] == subjects[pairs[:, 1]]
    # All mated pairs, and as many others: the best threshold then weighs both alike.
    chosen = mated | (np.arange(len(pairs)) % 61 == 0)
    cosines = (units[pairs[chosen, 0]] * units[pairs[chosen, 1]]).sum(axis=1)
    assert best_accuracy(cosines, mated[chosen]) > 0.95


def own_entry(folder: Path, network: Path) -> Catalogued:
    """Return the example entry as its user completes it, with the file beside it."""
    (folder / f"{RETAIL}.yaml").write_bytes((ENTRIES / f"{RETAIL}.yaml").read_bytes())
    (folder / f"{RETAIL}.onnx").symlink_to(network)
    return find_entry(str(folder / f"{RETAIL}.yaml"))


@pytest.fixture(scope="module")
def lfw() -> tuple[PairList, dict[str, tuple[FaceImages, Landmarks]]]:
    """One pair of twenty, and each of their photographs with the landmarks of its person."""
    listed = read_pairs(gate_data("lfw", "pairs.csv"))
    pairs = listed.of(np.arange(len(listed.mated)) % 20 == 0)
    detector = MtcnnDetector(fetch(find_entry("mtcnn")), smallest_face=60)
    return pairs, {file: lfw_face(file, detector) for file in pairs.images()}


@pytest.mark.data
@pytest.mark.registry
@pytest.mark.parametrize("name", [*NETWORKS, RETAIL])
def test_people_of_lfw_are_told_apart(name: str, lfw, tmp_path: Path):
    if name == RETAIL:
        entry = own_entry(tmp_path, gate_data("..", "models", f"{RETAIL}.onnx"))
    else:
        entry = find_entry(name)
    pairs, found = lfw
    faces = [align(pixels, landmarks, specified(entry)) for pixels, landmarks in found.values()]
    units = embedded(entry, fetch(entry)[0], np.stack(faces))
    row = {name: index for index, name in enumerate(found)}
    first, second = ([row[name] for name in names] for names in (pairs.first, pairs.second))
    cosines = (units[first] * units[second]).sum(axis=1)
    assert best_accuracy(cosines, pairs.mated) > 0.97


def lfw_face(file: str, detector: MtcnnDetector) -> tuple[FaceImages, Landmarks]:
    """Return the pixels and the face nearest to the middle, after which the file is named."""
    pixels = read_photograph(gate_data("lfw", "images", file))
    middle = np.array(pixels.shape[1::-1]) / 2
    found = detector.detect(pixels)
    nearest = min(found, key=lambda face: np.linalg.norm(face.landmarks.mean(axis=0) - middle))
    return pixels, nearest.landmarks


def test_the_example_entry_has_the_template_its_publisher_states():
    stated = [
        (0.31556875, 0.46157411),
        (0.68262292, 0.46157411),
        (0.5002625, 0.64050536),
        (0.34947188, 0.82469196),
        (0.65343646, 0.82469196),
    ]
    template = specified(find_entry(str(ENTRIES / f"{RETAIL}.yaml"))).template
    assert np.array(template) == pytest.approx(np.array(stated) * 128, abs=1e-5)
