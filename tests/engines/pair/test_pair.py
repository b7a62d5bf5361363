import dataclasses
import shutil

import numpy as np
import pytest

from engines.errors import BackendError, EmbeddingError, PairIntegrityError
from engines.onnxruntime.backend import open_network
from engines.pair.acceptance import estimated_match_score
from engines.pair.golden_vectors import write_vectors
from engines.pair.manifest import FileRecord, identified, read_manifest, write_manifest
from engines.pair.pair import LARGEST_BATCH, EnginePair, open_pair, open_unproved
from engines.quality.preprocess import prepare
from engines.quality.shift import embedding_shift
from tests.networks import TinyNetwork
from tests.pairs import synthetic_faces, tiny_pair


def faces(count=5):
    return synthetic_faces(subjects=count, each=1, seed=9).images


def test_shift_and_embeddings_are_those_of_the_two_files(built):
    with open_pair(built) as pair:
        scored = pair.assess(faces())
    inputs = prepare(faces(), pair.specification)
    dense, pruned = (
        open_network(built / name).run(inputs)[0] for name in ("dense.onnx", "pruned.onnx")
    )
    assert scored.shift == pytest.approx(embedding_shift(dense, pruned), abs=1e-6)
    assert np.linalg.norm(scored.embeddings, axis=1) == pytest.approx(1, abs=1e-6)
    assert (scored.embeddings * dense).sum(axis=1) == pytest.approx(
        np.linalg.norm(dense, axis=1), rel=1e-5
    )


@pytest.mark.parametrize("count", [1, LARGEST_BATCH, LARGEST_BATCH + 1, 2 * LARGEST_BATCH + 3])
def test_faces_score_the_same_in_any_batch(built, count):
    with open_pair(built) as pair:
        together = pair.assess(faces(count))
        last = pair.assess(faces(count)[-1:])
    assert together.shift.shape == (count,)
    assert together.shift[-1] == pytest.approx(last.shift[0], abs=1e-6)
    assert together.embeddings[-1] == pytest.approx(last.embeddings[0], abs=1e-6)


def test_no_face_gives_no_embedding(built):
    with open_pair(built) as pair:
        scored = pair.assess(faces()[:0])
    assert (scored.embeddings.shape, scored.shift.shape) == ((0, 8), (0,))


def test_a_face_of_another_size_is_refused(built):
    with open_pair(built) as pair, pytest.raises(ValueError, match="align them"):
        pair.assess(np.zeros((1, 112, 112, 3), np.uint8))


def test_a_closed_pair_does_not_score(built):
    pair = open_pair(built)
    pair.close()
    pair.close()
    with pytest.raises(BackendError, match="closed"):
        pair.assess(faces())


@pytest.mark.parametrize("name", ["dense.onnx", "pruned.onnx", "golden.npz"])
def test_an_edited_file_is_refused_with_both_hashes(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(PairIntegrityError, match=rf"{name}: SHA-256 is \w+, the manifest says"):
        open_pair(folder)


def test_a_file_of_another_size_is_refused_without_reading_it(folder):
    with (folder / "dense.onnx").open("ab") as file:
        file.truncate(1 << 33)  # sparse: takes no space, would fill the memory
    with pytest.raises(PairIntegrityError, match=r"has 8,589,934,592 bytes, the manifest says"):
        open_pair(folder)


@pytest.mark.parametrize("name", ["dense.onnx", "pruned.onnx", "golden.npz"])
def test_a_missing_file_is_refused_by_name(folder, name):
    (folder / name).unlink()
    with pytest.raises(PairIntegrityError, match=f"{name}: No such file"):
        open_pair(folder)


def test_swapped_halves_are_refused(folder):
    dense = (folder / "dense.onnx").read_bytes()
    (folder / "dense.onnx").write_bytes((folder / "pruned.onnx").read_bytes())
    (folder / "pruned.onnx").write_bytes(dense)
    with pytest.raises(PairIntegrityError, match="swapped"):
        open_pair(folder)


def test_a_half_of_another_pair_is_refused(folder, tmp_path):
    tiny_pair(tmp_path / "other", TinyNetwork(seed=1))
    shutil.copy(tmp_path / "other" / "pair" / "pruned.onnx", folder)
    with pytest.raises(PairIntegrityError, match=r"pruned\.onnx"):
        open_pair(folder)


def forged(folder, **changes):
    """Edit a manifest as a careful forger would: with a pair id that fits."""
    write_manifest(folder, identified(read_manifest(folder).model_copy(update=changes)))


def test_golden_vectors_catch_what_hashes_cannot(folder):
    """Swapped halves with a manifest to match."""
    files = read_manifest(folder).files
    forged(folder, files={"dense": files["pruned"], "pruned": files["dense"]})
    with pytest.raises(PairIntegrityError, match="golden vectors missed: lowest cosine"):
        open_pair(folder)


def test_a_manifest_of_another_colour_order_misses_the_golden_vectors(folder):
    specification = read_manifest(folder).specification
    changed = type(specification)(
        **{name: getattr(specification, name) for name in specification.__slots__}
        | {"colour": "rgb"}
    )
    forged(folder, specification=changed)
    with pytest.raises(PairIntegrityError, match="golden vectors missed"):
        open_pair(folder)


class BrokenNetwork:
    """An EmbeddingNetwork that gives the same embedding for every face."""

    engine = "none"

    def __init__(self, value=0.0):
        self.value = value
        self.closed = False

    def run(self, inputs):
        return (np.full((len(inputs), 8), self.value, np.float32),)

    def close(self):
        self.closed = True


def test_embeddings_without_direction_raise_and_never_score(built):
    pair = EnginePair(read_manifest(built), [BrokenNetwork(), BrokenNetwork()])
    with pytest.raises(EmbeddingError, match="face image 0"):
        pair.assess(faces())


@pytest.mark.parametrize(
    ("value", "error"),
    [(1.0, PairIntegrityError), (0.0, EmbeddingError)],
    ids=["other embeddings", "no embeddings"],
)
def test_a_pair_that_misses_its_golden_vectors_is_closed(built, monkeypatch, value, error):
    networks = [BrokenNetwork(value), BrokenNetwork(value)]
    monkeypatch.setattr("engines.pair.pair.open_networks", lambda *_: networks)
    with pytest.raises(error):
        open_pair(built)
    assert [network.closed for network in networks] == [True, True]


class FusedNetwork:
    """One graph with two outputs, made of two sessions."""

    engine = "two sessions"

    def __init__(self, folder):
        self._halves = [open_network(folder / f"{role}.onnx") for role in ("dense", "pruned")]

    def run(self, inputs):
        return tuple(half.run(inputs)[0] for half in self._halves)

    def close(self):
        pass


def test_one_network_with_two_outputs_scores_like_two_with_one(built):
    two, golden = open_unproved(built)
    one = EnginePair(two.manifest, [FusedNetwork(built)])
    assert np.array_equal(one.assess(golden.images).shift, two.assess(golden.images).shift)


def test_the_match_score_is_the_one_of_the_build_or_estimated_from_the_golden_vectors(built):
    pair, golden = open_unproved(built)
    known = pair.manifest.acceptance.match_score
    assert pair.match_score == known
    earlier = dataclasses.replace(pair.manifest.acceptance, match_score=None)
    pair.manifest = pair.manifest.model_copy(update={"acceptance": earlier})
    assert pair.match_score == estimated_match_score(golden.dense)


def test_golden_vectors_of_nothing_are_refused(folder):
    manifest = read_manifest(folder)
    _, golden = open_unproved(folder)
    empty = type(golden)(golden.images[:0], golden.dense[:0], golden.pruned[:0], golden.shift[:0])
    path = folder / "golden.npz"
    write_vectors(path, empty)
    record = FileRecord.of(path)
    forged(folder, golden=manifest.golden.model_copy(update={"file": record}))
    with pytest.raises(PairIntegrityError, match="no golden vectors"):
        open_pair(folder)
