"""The values a catalogue holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from engines.catalogue.download import Url
from engines.catalogue.registry import RegistryMember
from engines.quality.specification import InputSpecification

Quality = Literal["own", "both", "recognisability", "norm", "gate"]
"""
The shift to the network's own pruned copy; that and how far its embedding lies from those of
unrecognisable faces; the latter alone; its embedding's norm; or the default network beside it.
"""
LEARNT: tuple[Quality, ...] = ("both", "recognisability")
"""What takes part in a pair's graph that was learnt from faces."""
UNPRUNED: tuple[Quality, ...] = ("recognisability", "norm")
"""One pass: nothing is pruned, and there is no recipe."""
Kind = Literal["network", "quality", "detector", "photographs"]
"""`quality` is a network whose one output is a quality, such as LightQNet or eDifFIQA."""

Direction = Literal["higher", "lower"]
"""Which values of a quality network's output are the better ones."""

Converter = Literal["dlib-resnet-from-tfjs"]
"""See `engines.catalogue.conversion`."""


@dataclass(frozen=True, slots=True)
class UserFile:
    """A file that lies on this machine already."""

    path: Path
    """Absolute."""

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Converted:
    """A network made on this machine, once, from files in another format."""

    converter: Converter
    files: tuple["CataloguedFile", ...]
    """What it is made from, in the order the converter wants."""


Source: TypeAlias = RegistryMember | Url | UserFile | Converted


@dataclass(frozen=True, slots=True)
class CataloguedFile:
    """One file of an entry, or a set of files under one pattern of an archive."""

    name: str
    """How the entry calls it, such as `pnet.onnx` or `photographs/sample1.jpg`."""
    source: Source
    sha256: str | None
    """Of the file or the set (see `engines.catalogue.tar`); None only for a user's own file."""


@dataclass(frozen=True, slots=True)
class Catalogued:
    """A network, a face detector or a set of photographs that can be obtained."""

    name: str
    kind: Kind
    licence: str
    """As its publisher declares it."""
    files: tuple[CataloguedFile, ...]
    specification: InputSpecification | None
    """What a network expects of a face image; None for detectors and photographs."""
    embedding_length: int | None
    """D of a network's (N, D) embeddings; None for the other kinds."""
    note: str
    """What a user should know before choosing it."""
    output: str | None = None
    """Name of the tensor that is embedding or quality; None takes the only fitting output."""
    direction: Direction | None = None
    """Of a quality network; None for the other kinds."""
    quality: Quality = "own"
    """What measures quality where a pair is built of a network."""
