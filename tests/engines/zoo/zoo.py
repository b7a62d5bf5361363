"""The exports of the zoo, unpacked, each with the input it was made for."""

import json
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.quality.preprocess import prepare
from engines.quality.specification import InputSpecification
from tests.networks import specification

ARCHIVE = Path(__file__).with_name("exports.tar.xz")
LENGTH = 16
"""Of an embedding."""
UNOPENABLE = "swin-dynamo-open"
"""`int(windows.shape[0] / ...)`, as Swin has it, froze the two faces it was exported with."""


@dataclass(frozen=True, slots=True)
class Export:
    """One exporter's file of one network."""

    name: str
    path: Path

    @property
    def specification(self) -> InputSpecification:
        """What the network takes; SFace brings the mean and scale of its input itself."""
        numbers = {"mean": 0.0, "scale": 1.0} if "sface" in self.name else {}
        layout = "nhwc" if self.name.endswith("nhwc") else "nchw"
        return specification(32, 32, colour="rgb", layout=layout, **numbers)

    def inputs(self, count: int = 5) -> NDArray[np.float32]:
        """Return prepared images of random patterns, coarse as faces are."""
        random = np.random.default_rng(count)
        coarse = random.integers(0, 256, (count, 8, 8, 3), np.uint8)
        return prepare(coarse.repeat(4, axis=1).repeat(4, axis=2), self.specification)


@cache
def names() -> tuple[str, ...]:
    """Return the names of all exports."""
    with tarfile.open(ARCHIVE) as archive:
        return tuple(n.removesuffix(".onnx") for n in archive.getnames() if n.endswith(".onnx"))


def unpacked(folder: Path) -> dict[str, Export]:
    """Unpack all exports into a folder."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return {name: Export(name, folder / f"{name}.onnx") for name in names()}


def made_with(folder: Path) -> dict[str, str]:
    """Return the versions of the exporters."""
    made: dict[str, str] = json.loads((folder / "made.json").read_text())
    return made
