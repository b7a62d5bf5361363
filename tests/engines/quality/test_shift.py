import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engines.errors import EmbeddingError
from engines.quality.shift import embedding_shift, quality_from_shift

ROWS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(2, 16)),
    elements=st.floats(-100, 100, width=32).filter(lambda x: x == 0 or abs(x) > 1e-3),
).filter(lambda rows: bool((np.abs(rows).max(axis=1) > 0).all()))


@given(ROWS)
def test_shift_of_a_network_to_itself_is_zero_at_any_scale(rows):
    scaled = (rows * np.float32(4)).astype(np.float32)
    assert embedding_shift(rows, scaled) == pytest.approx(0, abs=1e-6)  # float32 unit vectors


@given(ROWS)
def test_shift_of_opposite_embeddings_is_two_and_their_quality_zero(rows):
    shift = embedding_shift(rows, -rows)
    assert shift == pytest.approx(2, abs=1e-6)
    assert quality_from_shift(shift) == pytest.approx(0, abs=1e-6)


def test_shift_resolves_a_rotation_far_below_float32_cosine_resolution():
    angle = 1e-4
    dense = np.array([[1.0, 0.0]], np.float32)
    pruned = np.array([[np.cos(angle), np.sin(angle)]], np.float32)
    assert embedding_shift(dense, pruned)[0] == pytest.approx(angle, rel=1e-4)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_an_embedding_without_direction_is_an_error_and_never_a_number(bad):
    rows = np.ones((3, 4), np.float32)
    rows[1] = bad
    with pytest.raises(EmbeddingError, match="face image 1"):
        embedding_shift(np.ones((3, 4), np.float32), rows)


@pytest.mark.parametrize("shape", [(4,), (), (1, 4, 1), (1, 0)])
def test_what_is_no_table_of_embeddings_is_refused_by_its_shape(shape):
    with pytest.raises(ValueError, match=r"embeddings are \(N, D\)"):
        embedding_shift(np.ones(shape, np.float32), np.ones(shape, np.float32))


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="shapes do not fit"):
        embedding_shift(np.ones((1, 4), np.float32), np.ones((2, 4), np.float32))
