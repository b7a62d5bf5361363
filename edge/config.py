"""
The configuration: frozen values that cannot be wrong.

The docstring under each key is its documentation: it appears in the JSON Schema, in
`edge-gate explain` and in the README's table. Room is left to grow without breaking a file: a
source is told by the scheme of its `uri`, a sink by its `kind`, and new keys have defaults.
Secrets have no key, and no setting comes from an environment variable.
"""

import os.path
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,  # "yes" is no boolean and "3" no number
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


def _absolute_path(value: object, info: ValidationInfo) -> object:
    """Resolve a path against the folder of the configuration file (validation context)."""
    if not isinstance(value, str):
        return value
    if not value or "\0" in value:
        raise ValueError("a path must not be empty or hold a NUL character")
    folder = info.context["folder"] if info.context else Path()
    # Not Path.resolve(): it follows links, and raises on a loop of them.
    return Path(os.path.abspath(folder / value))  # noqa: PTH100


def _absolute_uri(value: str, info: ValidationInfo) -> str:
    """Return file:// and an absolute path; text without a scheme is a path."""
    scheme, separator, rest = value.partition("://")
    if separator and scheme != "file":
        raise ValueError(f"the scheme {scheme}:// is not supported; use file:// or a path")
    return f"file://{_absolute_path(rest if separator else value, info)}"


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
"""Letters, digits, '-' and '_': safe in a file name, a topic and a metric's label."""
AnyPath = Annotated[Path, BeforeValidator(_absolute_path)]
Threads = Annotated[int, Field(ge=1, le=64)]
Ratio = Annotated[float, Field(ge=0, le=10)]


def _drop_default(schema: JsonDict) -> None:
    # None means "not given"; it cannot be written.
    del schema["default"]


class DetectorSettings(_Section):
    """How faces are found."""

    name: Literal["mtcnn", "ultraface68", "yunet"] = "mtcnn"
    """The face detector."""
    model: AnyPath | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_drop_default)
    """Your own file of the detector's network instead of the catalogue's; relative to this file."""
    smallest_face: Annotated[int, Field(ge=12, le=2000)] = 40
    """Pixels: the narrowest face to look for. Halving it makes some detectors four times slower."""
    threads: Threads = 2
    """Threads of ONNX Runtime for detection."""


class GateSettings(_Section):
    """
    Which faces are forwarded.

    Of `threshold` and `shift_at_most` the one that is given decides; without either, `threshold`.
    """

    model_config = ConfigDict(
        json_schema_extra={"not": {"required": ["threshold", "shift_at_most"]}},
    )

    threshold: Annotated[float, Field(ge=0, le=100)] = 50.0
    """Forward faces of at least this quality score; higher is stricter. The key to tune."""
    shift_at_most: Annotated[float, Field(ge=0, le=2)] | SkipJsonSchema[None] = Field(
        default=None, json_schema_extra=_drop_default
    )
    """
    The expert's alternative to `threshold`: forward faces of at most this embedding shift; lower is
    stricter. It means something else for each engine pair.
    """
    min_detector_score: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Discard faces the detector is less sure of (`low_detection`). Differs between detectors."""
    min_inter_eye_distance: Annotated[float, Field(ge=0, le=2000)] = 20.0
    """Source pixels: discard faces whose eyes are closer (`too_small`)."""
    border_margin: Annotated[float, Field(ge=-10, le=10)] = 0.25
    """
    Inter-eye distances: discard faces with a landmark closer to the border of the frame
    (`truncated`). Negative allows landmarks outside.
    """
    max_roll: Annotated[float, Field(ge=0, le=180)] = 45.0
    """Degrees: discard faces whose eye line is steeper (`pose`)."""
    max_yaw_ratio: Ratio = 0.45
    """
    Inter-eye distances: discard faces whose nose tip is further to a side of the middle between the
    eyes (`pose`). 0.3 is a turn of about 30 degrees.
    """
    max_pitch_ratio: Ratio = 0.5
    """
    Discard faces whose nose tip is further up or down from halfway between eyes and mouth
    (`pose`). 1 is on the line of the eyes or of the mouth.
    """

    @model_validator(mode="after")
    def _one_of_two(self) -> "GateSettings":
        if {"threshold", "shift_at_most"} <= self.model_fields_set:
            raise ValueError("threshold and shift_at_most are both given; keep one of them")
        return self


class _Named(_Section):
    name: Name
    """Unique in its list; appears in records, messages and metrics."""


class Source(_Named):
    """Where frames come from."""

    uri: Annotated[str, AfterValidator(_absolute_uri)]
    """A folder, an image or a video: file:// and its path, or the path; relative to this file."""
    gate: GateSettings = Field(default_factory=GateSettings)
    """Keys of `gate` that differ for this source; the others are inherited from `gate`."""

    @property
    def path(self) -> Path:
        """The absolute path of a file:// source."""
        return Path(self.uri.removeprefix("file://"))


class DirectorySink(_Named):
    """Writes each forwarded face image and its record into a directory."""

    kind: Literal["directory"]
    """What the sink is."""
    path: AnyPath
    """The directory, made if absent; relative to this file."""


def _named_apart(items: tuple[_Named, ...]) -> tuple[_Named, ...]:
    if not items:
        raise ValueError("the list is empty; give at least one")
    seen = set()
    for item in items:
        if item.name in seen:
            raise ValueError(f"the name {item.name!r} is given twice; names must differ")
        seen.add(item.name)
    return items


# A YAML list is a tuple here; its length is checked with the names, when its items are right.
_Several = Field(strict=False, json_schema_extra={"minItems": 1})


class Config(_Section):
    """The edge face quality gate."""

    pair: AnyPath
    """The folder of the engine pair that scores; relative to this file."""
    threads: Threads = 2
    """Threads of ONNX Runtime for scoring."""
    detector: DetectorSettings = Field(default_factory=DetectorSettings)
    """How faces are found."""
    gate: GateSettings = Field(default_factory=GateSettings)
    """Which faces are forwarded, for every source."""
    sources: Annotated[tuple[Source, ...], _Several, AfterValidator(_named_apart)]
    """Where frames come from; at least one."""
    sinks: Annotated[tuple[DirectorySink, ...], _Several, AfterValidator(_named_apart)]
    """Who receives the forwarded faces; at least one."""


_ALTERNATIVE = {"threshold": "shift_at_most", "shift_at_most": "threshold"}


def effective_gate(config: Config, source: Source) -> GateSettings:
    """Return the gate of one source: its own keys, then those of `config.gate`, then defaults."""
    own = source.gate.model_dump(exclude_unset=True)
    replaced = {_ALTERNATIVE[key] for key in own if key in _ALTERNATIVE}
    inherited = config.gate.model_dump(exclude_unset=True, exclude=replaced)
    return GateSettings.model_validate(inherited | own)
