from dataclasses import replace

import numpy as np
import pytest

from engines.errors import EmbeddingError, PairIntegrityError
from engines.pair.golden_vectors import (
    Tolerance,
    compare,
    golden_vectors,
    read_vectors,
    write_vectors,
)


def embeddings(seed=0):
    random = np.random.default_rng(seed)
    dense = random.normal(size=(4, 64)).astype(np.float32)
    return dense, (dense + random.normal(0, 0.1, dense.shape)).astype(np.float32)


def golden():
    return golden_vectors(
        np.arange(4 * 2 * 2 * 3, dtype=np.uint8).reshape(4, 2, 2, 3), *embeddings()
    )


def test_written_vectors_are_read_back_bit_for_bit(tmp_path):
    write_vectors(tmp_path / "golden.npz", golden())
    again = read_vectors((tmp_path / "golden.npz").read_bytes(), "golden.npz")
    for name in ("images", "dense", "pruned", "shift"):
        assert np.array_equal(getattr(again, name), getattr(golden(), name))


def test_the_same_vectors_give_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        write_vectors(tmp_path / name, golden())
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut"])
def test_what_is_no_vectors_file_is_refused_by_name(content):
    with pytest.raises(PairIntegrityError, match=r"golden\.npz: no golden vectors"):
        read_vectors(content, "golden.npz")


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / "golden.npz"
    np.savez(path, images=np.array([{"a": 1}], object), dense=0, pruned=0, shift=0)
    with pytest.raises(PairIntegrityError, match="allow_pickle"):
        read_vectors(path.read_bytes(), "golden.npz")


def test_the_scale_of_embeddings_does_not_matter_to_a_replay():
    dense, pruned = embeddings()
    found = compare(golden(), 3 * dense, pruned / 7, Tolerance())
    assert found.passed
    assert found.dense_cosine == pytest.approx(1, abs=1e-6)  # float32 unit rows
    assert found.shift_difference < 1e-6


@pytest.mark.parametrize("which", ["dense", "pruned"])
def test_one_embedding_in_another_direction_fails_the_replay(which):
    rows = dict(zip(("dense", "pruned"), embeddings(), strict=True))
    rows[which][2] += np.random.default_rng(1).normal(0, 0.05, 64)  # cosine about 0.999
    found = compare(golden(), rows["dense"], rows["pruned"], Tolerance())
    assert not found.passed
    assert getattr(found, f"{which}_cosine") < 0.9999


@pytest.mark.parametrize(("factor", "passed"), [(1.019, True), (1.021, False)])
def test_two_per_cent_of_the_shift_is_allowed_where_that_is_more(factor, passed):
    dense, pruned = embeddings()
    moved = replace(golden(), shift=golden().shift / np.float32(factor))
    assert compare(moved, dense, pruned, Tolerance()).passed is (passed)


@pytest.mark.parametrize(("difference", "passed"), [(9e-4, True), (1.1e-3, False)])
def test_a_thousandth_is_allowed_where_the_shift_is_small(difference, passed):
    dense, _ = embeddings()
    small = golden_vectors(golden().images, dense, dense)
    moved = replace(small, shift=small.shift + np.float32(difference))
    assert compare(moved, dense, dense, Tolerance()).passed is (passed)


def test_an_embedding_of_zeros_is_an_error_and_no_figure():
    dense, pruned = embeddings()
    with pytest.raises(EmbeddingError):
        compare(golden(), dense * 0, pruned, Tolerance())
