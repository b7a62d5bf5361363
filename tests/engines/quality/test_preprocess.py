import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

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


@pytest.mark.parametrize("colour", ["bgr", "rgb"])
def test_mean_and_scale_of_each_channel_follow_the_networks_colour_order(colour):
    spec = specification(3, 4, colour=colour, mean=(1.0, 2.0, 3.0), scale=(2.0, 4.0, 8.0))
    faces = np.random.default_rng(1).integers(0, 256, (2, 4, 3, 3), np.uint8)
    prepared = prepare(faces, spec)
    for channel, (mean, scale) in enumerate([(1, 2), (2, 4), (3, 8)]):
        stored = channel if colour == "bgr" else 2 - channel
        assert np.array_equal(prepared[:, channel], (faces[..., stored] - np.float32(mean)) / scale)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_a_grey_network_gets_the_luma_that_pillow_computes(layout):
    spec = specification(64, 48, colour="grey", layout=layout, mean=0.0, scale=1.0)
    face = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    expected = np.asarray(Image.fromarray(face[..., ::-1].copy()).convert("L"))
    prepared = prepare(face[None], spec)
    assert prepared.shape == ((1, 1, 48, 64) if layout == "nchw" else (1, 48, 64, 1))
    assert np.array_equal(prepared.squeeze(), expected)


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
