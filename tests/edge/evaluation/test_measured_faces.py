from contextlib import closing

import cv2
import numpy as np
import pytest

from edge.errors import ImageError, NoFaceError
from edge.evaluation.face_store import FaceStore
from edge.evaluation.measured_faces import FaceFinder, FaceMeasurer, Shot, _networks
from edge.evaluation.measures import MeasureSettings, open_measures
from engines.biometrics.degrade import Degradation
from engines.pair.pair import EnginePair, open_pair
from engines.quality.score_mapping import ScoreMapping
from tests.edge.canned import CannedDetector, upright_face
from tests.networks import TinyNetwork
from tests.pairs import tiny_pair

BLURRED = Degradation("defocus", 4)


class CountingDetector(CannedDetector):
    """Remembers what it was shown."""

    def __init__(self, faces):
        super().__init__(faces)
        self.shown = []

    def detect(self, pixels):
        self.shown.append(pixels)
        return super().detect(pixels)


@pytest.fixture
def store(tmp_path):
    with closing(FaceStore(tmp_path / "faces.sqlite")) as opened:
        yield opened


@pytest.fixture
def images(tmp_path):
    made = tmp_path / "images"
    made.mkdir()
    for number, name in enumerate(("a.png", "b.png")):
        noise = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
        cv2.imwrite(str(made / name), cv2.resize(noise, (300, 320)))
    return made


def finder(images, store, faces=None, detector=None):
    found = CountingDetector([upright_face(80, 90)] if faces is None else faces)
    return FaceFinder(images, detector or found, "canned", store)


def measurer(folder, pair, faces, names=("prefiqs", "norm")):
    return FaceMeasurer(faces, pair, open_measures(names, folder, pair, MeasureSettings(5, 2)))


def test_a_face_is_detected_and_embedded_once_for_all_runs(folder, pair, images, store):
    faces = finder(images, store)
    first = measurer(folder, pair, faces).measured(Shot("a.png"))
    again = measurer(folder, pair, faces).measured(Shot("a.png"))
    assert len(faces.detector.shown) == 1
    assert again.embedding.tolist() == first.embedding.tolist()
    assert again.qualities == first.qualities


def test_a_measure_asked_for_later_is_added_without_a_second_detection(folder, pair, images, store):
    faces = finder(images, store)
    few = measurer(folder, pair, faces).measured(Shot("a.png"))
    more = measurer(folder, pair, faces, ("norm", "laplacian")).measured(Shot("a.png"))
    assert len(faces.detector.shown) == 1
    assert more.qualities["norm"] == few.qualities["norm"]
    assert more.qualities["laplacian"] > 0


def test_a_changed_image_is_looked_at_again(folder, pair, images, store):
    faces = finder(images, store)
    before = measurer(folder, pair, faces).measured(Shot("a.png"))
    (images / "a.png").write_bytes((images / "b.png").read_bytes())
    after = measurer(folder, pair, faces).measured(Shot("a.png"))
    assert after.qualities != before.qualities


def test_a_degraded_face_is_found_in_a_degraded_portrait(folder, pair, images, store):
    faces = finder(images, store)
    measuring = measurer(folder, pair, faces, ("laplacian",))
    clean = measuring.measured(Shot("a.png"))
    blurred = measuring.measured(Shot("a.png", BLURRED))
    assert blurred.qualities["laplacian"] < clean.qualities["laplacian"]
    side = faces.detector.shown[-1].shape[0]
    assert side == round(6 * 35.238)  # inter-eye distances


def test_the_seed_of_a_degradation_is_part_of_what_is_kept(folder, pair, images, store):
    noise, faces = Degradation("sensor_noise", 5), finder(images, store)
    norms = {
        measurer(folder, pair, faces).measured(Shot("a.png", noise, seed)).qualities["norm"]
        for seed in (1, 2, 1)
    }
    assert len(norms) == 2


def test_a_photograph_without_a_face_is_named_and_not_searched_twice(folder, pair, images, store):
    faces = finder(images, store, faces=[])
    for _ in range(2):
        with pytest.raises(NoFaceError, match=r"a\.png \(clean\): no face found"):
            measurer(folder, pair, faces).measured(Shot("a.png"))
    assert len(faces.detector.shown) == 1


def test_a_missing_image_is_named(folder, pair, images, store):
    with pytest.raises(ImageError, match=r"gone\.png"):
        measurer(folder, pair, finder(images, store)).measured(Shot("gone.png"))


def test_another_pair_shares_the_detection_and_nothing_else(folder, pair, images, store, tmp_path):
    tiny_pair(tmp_path, TinyNetwork(seed=3))
    faces = finder(images, store)
    own = measurer(folder, pair, faces).measured(Shot("a.png"))
    with open_pair(tmp_path / "pair") as other:
        seen = FaceMeasurer(faces, other, {}).measured(Shot("a.png"))
    assert len(faces.detector.shown) == 1
    assert seen.embedding.tolist() != own.embedding.tolist()


def test_a_new_score_mapping_does_not_make_the_embeddings_new(folder, pair, images, store):
    mapping = ScoreMapping(((0.0, 90.0), (2.0, 10.0)))
    changes = {"pair_id": "0" * 12, "mapping": mapping}
    remapped = EnginePair(pair.manifest.model_copy(update=changes), [])  # cannot embed
    faces = finder(images, store)
    own = measurer(folder, pair, faces).measured(Shot("a.png"))
    seen = measurer(folder, remapped, faces).measured(Shot("a.png"))
    assert seen.embedding.tolist() == own.embedding.tolist()


def test_another_precision_makes_the_embeddings_new(pair):
    full, half = (
        _networks(EnginePair(pair.manifest.model_copy(update={"precision": each}), []))
        for each in (None, "bf16")
    )
    assert full != half
