"""
The manifest `pair.yaml`: what an engine pair promises, so that nothing is left to guess.

`pair_id` is a hash over all the rest but the date, so an edited manifest is noticed, and scores
can name the pair they come from.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engines.biometrics.identity_scale import IdentityScale
from engines.catalogue.strict_yaml import YamlError, parse_yaml, read_bytes
from engines.catalogue.values import UNPRUNED, Direction, Quality
from engines.errors import PairError, PairIntegrityError
from engines.pair.acceptance import Acceptance
from engines.pair.build_command import build_command
from engines.pair.golden_vectors import Tolerance
from engines.pair.merit import SURELY_BETTER, Merit
from engines.pruning.named_recipes import asked_name, default_recipe
from engines.pruning.recipe import CompactedLayer, Cost, LayerSparsity, Recipe, Role
from engines.quality.fusion import Ranking
from engines.quality.score_mapping import ScoreMapping
from engines.quality.specification import InputSpecification
from engines.whole_file import write_whole

MANIFEST_NAME = "pair.yaml"
SIGNATURE_NAME = "pair.yaml.sig"
"""Beside the manifest, where the pair was signed; see `engines.pair.signature`."""
SCHEMA: Literal[2] = 2
"""Written; older versions refuse it by this number."""
READABLE = (1, 2)
SINCE_SCHEMA_1: dict[tuple[str, ...], object] = {
    ("recipe", "structure"): "weights",
    ("recipe", "masks"): [],
    ("acceptance", "match_score"): None,
    ("quality",): "own",
    ("merit", "better_below"): SURELY_BETTER,
    ("merit",): None,
    ("recogniser",): None,
    ("identity",): None,
    ("mapping", "version"): 1,
    ("second_opinion", "plan"): None,
    ("second_opinion",): None,
    ("fused_merit", "better_below"): SURELY_BETTER,
    ("fused_merit",): None,
    ("precision",): None,
    ("detector",): None,
}
"""Keys that came later, with the value of pairs that have none: not written then, nor hashed."""
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""By libyaml, where PyYAML was built with it: a quarter of the time."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class _Record(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True
    )


class FileRecord(_Record):
    """One file of the pair's folder."""

    name: FileName
    """In the folder itself; no path."""
    sha256: Sha256
    bytes: int

    @classmethod
    def of(cls, path: Path) -> "FileRecord":
        """Return the record of a finished file."""
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        return cls(name=path.name, sha256=digest, bytes=len(content))


class NetworkRecord(_Record):
    """Where the weights come from."""

    name: str
    """In the catalogue, or the user's own."""
    licence: str
    """As declared by its publisher."""
    source_sha256: Sha256
    """Of the file the pair was built from."""


class GoldenRecord(_Record):
    """The golden vectors and how exactly they must be met."""

    file: FileRecord
    tolerance: Tolerance


class SecondOpinionRecord(_Record):
    """A learned quality network that has a say in the score; see `engines.quality.fusion`."""

    name: str
    licence: str
    """As declared by its publisher."""
    source_sha256: Sha256
    """Of the file it was made from."""
    file: FileRecord
    """ONNX."""
    plan: FileRecord | None = None
    """TensorRT plan, which runs where the pair's plans do; None leaves it to the CPU there too."""
    specification: InputSpecification
    direction: Direction
    shares: Ranking
    """Of its qualities, higher being better, among the reference faces."""
    fused: Ranking
    """Of the means of both shares among them."""
    golden: tuple[float, ...]
    """Its qualities of the golden vectors' faces, in their order."""
    tolerance: Annotated[float, Field(gt=0)]
    """How far off these may be on another machine."""


class Manifest(_Record):
    """Everything about one engine pair; see `engines.pair.golden_vectors` for the vectors."""

    schema_version: Literal[1, 2] = Field(alias="schema")
    pair_id: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    created: str
    """UTC, ISO 8601."""
    backend: Literal["onnxruntime", "openvino", "tensorrt", "rtx"]
    """Which library runs the pair here: the first two the ONNX files, the others the plans."""
    precision: Literal["bf16"] | None = None
    """Of the arithmetic on ONNX files; None: float32, as the files are. Plans say their own."""
    network: NetworkRecord
    specification: InputSpecification
    embedding_length: Annotated[int, Field(gt=0)]
    recipe: Recipe
    files: dict[Role, FileRecord]
    """`dense` and `pruned`; or `fused`, one graph with two outputs in this order."""
    plans: dict[Role, FileRecord] = Field(default_factory=dict)
    """TensorRT plans of the same roles, or none. Each build has other numerics."""
    detector: FileRecord | None = None
    """What says of the face detector's plans which they are; see `engines.pair.detector_plans`."""
    golden: GoldenRecord
    mapping: ScoreMapping
    second_opinion: SecondOpinionRecord | None = None
    """None: the shift decides alone."""
    acceptance: Acceptance
    identity: IdentityScale | None = None
    """None in a pair of an earlier release: its golden vectors tell a coarser one."""
    versions: dict[str, str]
    """Of the libraries that built the pair."""
    layers: tuple[LayerSparsity, ...]
    """In graph order."""
    compaction: tuple[CompactedLayer, ...]
    """What lossless compaction removed; empty for a pair of two plain networks."""
    cost: Cost
    quality: Quality = "own"
    """What the shift measures: `norm` and `recognisability` are written as one, nothing pruned."""
    merit: Merit | None = None
    """What the shift is worth; None where it could not be judged."""
    fused_merit: Merit | None = None
    """What shift and second opinion together are worth; None without one, and as above."""
    recogniser: NetworkRecord | None = None
    """Whose errors the merit speaks of; None: the pair's own network."""

    @property
    def pruned_length(self) -> int:
        """Of what the graph gives beside a dense embedding: one for each mask, and moved ones."""
        return self.masks_length * (2 if self.quality == "both" else 1)

    @property
    def masks_length(self) -> int:
        """Of the first of it, which pruning could have broken."""
        return self.embedding_length * len(self.recipe.single)

    @property
    def flavour(self) -> Literal["tensorrt", "rtx"] | None:
        """Return whose plans the pair has; None where its ONNX files are run."""
        match self.backend:
            case "tensorrt" | "rtx":
                return self.backend
            case _:
                return None

    def build_command(
        self, folder: Path, detector: str = "", detector_model: Path | None = None
    ) -> str:
        """
        Return the command that builds the same pair anew.

        Files of the user's own are named as their entries are: only the user knows where they lie.
        A recipe without a name is that of the pair's folder. Reference faces are the product's: of
        photographs that `pair calibrate` was given only the user knows.

        Args:
            folder: The pair's.
            detector: Whose plans are built, too; empty leaves it to the command.
            detector_model: Its file, where it is not the catalogue's.
        """
        opinion, asked = self.second_opinion, self.recogniser or self.network
        return build_command(
            folder,
            backend="" if self.backend == "onnxruntime" else self.backend,
            network=asked.name,
            quality=self.quality,  # an entry may say another
            **self._recipe_words(asked.name, folder),
            second_opinion="" if opinion is None else f"{opinion.name}.yaml",
            accept_worse=self._was_accepted,
            form="" if "fused" in self.files else "separate",
            detector=detector,
            detector_model="" if detector_model is None else str(detector_model),
        )

    def _recipe_words(self, asked: str, folder: Path) -> dict[str, str]:
        """Return what asks for the recipe of the network that is pruned, where it is told."""
        if self.quality in UNPRUNED or self.recipe == default_recipe(self.network.name):
            return {}
        name = asked_name(asked, self.recipe)
        return {"recipe": name} if name else {"recipe_of": str(folder)}

    @property
    def _was_accepted(self) -> bool:
        """Whether the pair was built though its measure is not better than the norm."""
        found = self.fused_merit or self.merit
        return self.quality != "norm" and found is not None and found.ratio.value >= 1

    @model_validator(mode="after")
    def _is_whole(self) -> "Manifest":
        if set(self.files) not in ({"dense", "pruned"}, {"fused"}):
            raise ValueError(f"files: needs dense and pruned, or fused; has {sorted(self.files)}")
        planned = set() if self.flavour is None else set(self.files)
        if set(self.plans) != planned:
            raise ValueError(f"plans: needs {sorted(planned)}, has {sorted(self.plans)}")
        if self.precision is not None and self.backend != "openvino":
            raise ValueError(f"precision: {self.precision} needs backend openvino")
        return self


def identity(manifest: Manifest) -> str:
    """Return the pair id that a manifest of this content has: 12 hexadecimal digits."""
    # Through validation once more, so that 128 and 128.0 are the same number.
    same = Manifest.model_validate(manifest.model_dump(mode="json", by_alias=True))
    content = _content(same)
    del content["pair_id"], content["created"]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _content(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest as written: without keys that a pair built earlier would not have."""
    content = manifest.model_dump(mode="json", by_alias=True)
    for (*sections, key), absent in SINCE_SCHEMA_1.items():
        inner = content
        for section in sections:
            inner = inner.get(section) or {}
        if key in inner and inner[key] == absent:
            del inner[key]
    return content


def without_second_opinion(manifest: Manifest) -> Manifest:
    """Return the manifest of the pair that was built without one; itself where there is none."""
    if manifest.second_opinion is None:
        return manifest
    alone = {"second_opinion": None, "fused_merit": None}
    return identified(manifest.model_copy(update=alone))


def identified(manifest: Manifest) -> Manifest:
    """Return the manifest with the pair id of its content."""
    return manifest.model_copy(update={"pair_id": identity(manifest)})


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `pair.yaml` into the folder; a signature there was of the one before, and goes."""
    content = _content(manifest)
    text = yaml.dump(content, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=100)
    (folder / SIGNATURE_NAME).unlink(missing_ok=True)
    write_whole(folder / MANIFEST_NAME, text.encode())


def write_changed(folder: Path, manifest: Manifest, update: Mapping[str, object]) -> Manifest:
    """Write the manifest with other values of some keys, and return it with its new pair id."""
    changed = identified(manifest.model_copy(update=update))
    write_manifest(folder, changed)
    return changed


def read_manifest(folder: str | Path) -> Manifest:
    """
    Read and check the manifest of an engine pair.

    Raises:
        PairError: The folder holds no engine pair.
        PairIntegrityError: The manifest is unreadable, of another version, or was edited.
    """
    folder = Path(folder)
    return parse_manifest(manifest_bytes(folder), folder)


def parse_manifest(raw: bytes, folder: Path) -> Manifest:
    """
    Check the manifest that `manifest_bytes` read; the folder is named in messages only.

    Raises:
        PairIntegrityError: The manifest is unreadable, of another version, or was edited.
    """
    path = folder / MANIFEST_NAME
    try:
        content = parse_yaml(raw, path)
    except YamlError as error:
        raise PairIntegrityError(f"{error}; build it again") from error
    version = content.get("schema") if isinstance(content, dict) else None
    if version not in READABLE:
        raise PairIntegrityError(
            f"{path}: schema {version!r}, this version reads {' and '.join(map(str, READABLE))}: "
            "build the pair again here"
        )
    try:
        manifest = Manifest.model_validate(content)
    except ValidationError as error:
        raise PairIntegrityError(f"{path}: {_first(error)}; build the pair again") from error
    if manifest.pair_id != identity(manifest):
        raise PairIntegrityError(f"{path}: was edited after the pair was built; build it again")
    return manifest


def manifest_bytes(folder: Path) -> bytes:
    """
    Return the bytes of a pair's manifest, which a signature is about.

    Raises:
        PairError: The folder holds no engine pair.
        PairIntegrityError: The manifest cannot be read.
    """
    path = folder / MANIFEST_NAME
    if not _is_there(path):
        if folder.is_file():
            raise PairError(f"{folder}: is a file, and an engine pair is a folder; name that")
        raise PairError(
            f"{folder}: no engine pair ({path.name} is missing); make one with "
            f"'{build_command(folder)}'"
        )
    try:
        return read_bytes(path)
    except YamlError as error:
        raise PairIntegrityError(f"{error}; build it again") from error


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a folder above it is closed for this user
        raise PairError(f"{path}: {error.strerror}: give the user the right to read it") from error


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'manifest'}: {first['msg']}"
