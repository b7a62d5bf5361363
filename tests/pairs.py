"""Real engine pairs of tiny networks, built as the product builds them, in a moment."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from engines.build.build import BuildRequest, build_pair
from engines.build.golden_faces import GoldenFaces
from engines.graph.network import Network
from engines.pair.manifest import Manifest, read_manifest
from engines.pruning.form import Form
from engines.pruning.recipe import Recipe
from engines.quality.specification import InputSpecification
from tests.networks import TinyNetwork, loaded, specification


def synthetic_faces(
    spec: InputSpecification | None = None, subjects: int = 12, each: int = 3, seed: int = 0
) -> GoldenFaces:
    """Return images of smooth random patterns, one pattern for each subject, and noise on each."""
    size = spec or specification()
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (subjects, -(-size.height // 4), -(-size.width // 4), 3))
    patterns = coarse.repeat(4, axis=1).repeat(4, axis=2)[:, : size.height, : size.width]
    images = patterns.repeat(each, axis=0)
    noisy = np.clip(images + random.normal(0, 12, images.shape), 0, 255).astype(np.uint8)
    names = tuple(f"subject-{i}" for i in range(subjects) for _ in range(each))
    return GoldenFaces(noisy, names)


def request(
    network: Network, recipe: Recipe | None = None, form: Form = "separate"
) -> BuildRequest:
    return BuildRequest(
        name="tiny",
        licence="none needed",
        network=network,
        golden=synthetic_faces(network.specification),
        recipe=recipe or Recipe(sparsity=0.2),
        form=form,
    )


def tiny_pair(
    folder: Path,
    tiny: TinyNetwork | None = None,
    recipe: Recipe | None = None,
    form: Form = "separate",
) -> Manifest:
    """
    Build an engine pair into `folder / "pair"`, for 16x20 face images and D = 8.

    Of two files unless told, because tests look into each.
    """
    sources = folder / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    return build_pair(request(loaded(sources, tiny), recipe, form), folder / "pair")


def put_pair(folder: Path) -> Manifest:
    """Leave in a folder what `tiny_pair` leaves there; it is built only once."""
    shutil.copytree(_built().name, folder, dirs_exist_ok=True)
    return read_manifest(folder / "pair")


@cache
def _built() -> "tempfile.TemporaryDirectory[str]":
    folder = tempfile.TemporaryDirectory()
    tiny_pair(Path(folder.name))
    return folder
