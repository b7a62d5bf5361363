import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.quality.preprocess import prepare
from tests.networks import specification


@given(st.sampled_from(["bgr", "rgb"]), st.sampled_from(["nchw", "nhwc"]), st.integers(0, 2**32))
def test_every_pixel_lands_where_the_specification_says(colour, layout, seed):
    spec = specification(width=3, height=4, colour=colour, layout=layout, mean=10.0, scale=2.0)
    faces = np.random.default_rng(seed).integers(0, 256, (2, 4, 3, 3), np.uint8)
    prepared = prepare(faces, spec)
    for n, y, x, blue_green_red in np.ndindex(faces.shape):
        channel = blue_green_red if colour == "bgr" else 2 - blue_green_red
        at = (n, channel, y, x) if layout == "nchw" else (n, y, x, channel)
        assert prepared[at] == (float(faces[n, y, x, blue_green_red]) - 10) / 2
    assert prepared.dtype == np.float32
    assert prepared.flags.c_contiguous


@pytest.mark.parametrize(
    "faces",
    [
        np.zeros((1, 16, 20, 3), np.uint8),
        np.zeros((20, 16, 3), np.uint8),
        np.zeros((1, 20, 16), np.uint8),
        np.zeros((1, 20, 16, 3), np.float32),
    ],
    ids=["swapped", "no batch", "no colour", "float"],
)
def test_face_images_of_another_shape_or_type_are_refused(faces):
    with pytest.raises(ValueError, match=r"uint8 \(N, 20, 16, 3\), got"):
        prepare(faces, specification())
