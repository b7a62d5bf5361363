"""
The configuration: frozen values that cannot be wrong.

Room is left to grow without breaking a file: a source is told by the scheme of its `uri`, a sink by
its `type`, each subsystem has a section, and new keys have defaults. Secrets have no key, and no
setting is overridden by an environment variable.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from edge.config.delivery import DeliverySettings, SinkSettings
from edge.config.engine import EngineSettings
from edge.config.masks import MaskText, written_masks
from edge.config.page import PageSettings
from edge.config.quantities import ByteCount, Duration
from edge.config.schedule import Hours
from edge.config.section import AnyPath, Section
from edge.config.source import SourceSettings
from edge.config.tracks import Mode, TrackSettings


class ShadowLogSettings(Section):
    """
    What the gate decided about each face, with a small picture: for tuning without recordings.

    It holds faces that the gate discards, so that it says what would be lost, and the embeddings of
    all of them, by which repeated faces are told: nothing of it leaves the device, and everything
    in it is deleted by age.
    """

    path: AnyPath
    """The file, for one gate at a time: an sqlite database that its user alone can read."""
    keep_for: Duration = 7 * 86400.0
    """Faces older than this are deleted."""
    at_most: ByteCount = 200_000_000
    """Bytes of faces and pictures; the oldest go first. A face takes about 6 kB."""


Threads = Annotated[int, Field(ge=1, le=64)]
Ratio = Annotated[float, Field(ge=0, le=10)]


class DetectorSettings(Section):
    """How faces are found."""

    name: Literal["mtcnn", "ultraface68", "yunet"] = "mtcnn"
    """The face detector."""
    model: AnyPath | None = None
    """Your own file of the detector's network instead of the catalogue's; relative to this file."""
    smallest_face: Annotated[int, Field(ge=12, le=2000)] = 40
    """Pixels: the narrowest face to look for. Halving it makes some detectors four times slower."""
    threads: Threads = 2
    """Threads of ONNX Runtime for detection."""
    backend: Literal["onnxruntime", "openvino"] = "onnxruntime"
    """
    What runs the detector where it has no plans. openvino computes in float32 and needs `pip
    install 'edge-gate[openvino]'`; where it was measured it was slower than onnxruntime.
    """


class GateSettings(Section):
    """
    Which faces are forwarded.

    Of `threshold` and `shift_at_most` the one that is given decides; without either, `threshold`.
    """

    model_config = ConfigDict(
        json_schema_extra={"not": {"required": ["threshold", "shift_at_most"]}},
    )

    threshold: Annotated[float, Field(ge=0, le=100)] = 30.0
    """Forward faces of at least this quality score; higher is stricter. The key to tune."""
    shift_at_most: Annotated[float, Field(ge=0, le=2)] | None = None
    """
    The expert's alternative to `threshold`: forward faces of at most this embedding shift; lower is
    stricter. It means something else for each engine pair.
    """
    min_detector_score: Annotated[float, Field(ge=0.5, le=1)] = 0.7
    """
    Discard faces the detector is less sure of (`low_detection`). Detectors do not report any below
    0.5, and their scores are not comparable with each other's.
    """
    min_inter_eye_distance: Annotated[float, Field(ge=0, le=2000)] = 20.0
    """Source pixels: discard faces whose eyes are closer (`too_small`)."""
    border_margin: Annotated[float, Field(ge=-10, le=10)] = 0.25
    """
    Inter-eye distances: discard faces with a landmark closer to the border of the frame
    (`truncated`). Negative allows landmarks outside.
    """
    max_roll: Annotated[float, Field(ge=0, le=180)] = 60.0
    """Degrees: discard faces whose eye line is steeper (`pose`). Alignment turns others upright."""
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
    max_dark: Annotated[float, Field(ge=0, le=1)] = 1.0
    """
    Discard faces of which a larger share is darker than a tenth of white in linear light
    (`too_dark`): the native value of under-exposure prevention in ISO/IEC 29794-5. 1 asks for
    nothing; 0.98 is a picture 2.5 stops too dark.
    """
    max_light: Annotated[float, Field(ge=0, le=1)] = 1.0
    """
    Discard faces of which a larger share is lighter than 0.97 of white (`overexposed`): the native
    value of over-exposure prevention in ISO/IEC 29794-5. 1 asks for nothing; 0.3 is a picture two
    stops too bright.
    """

    components: bool = False
    """
    Also measure the quality components of ISO/IEC 29794-5 of each scored face, and put them into
    its record (docs/protocol.md). They decide nothing, and cost some 10 ms a face.
    """

    @model_validator(mode="after")
    def _one_of_two(self) -> "GateSettings":
        if {"threshold", "shift_at_most"} <= self.model_fields_set:
            raise ValueError("threshold and shift_at_most are both given; keep one of them")
        return self


class Source(SourceSettings):
    """Where frames come from."""

    gate: GateSettings = Field(default_factory=GateSettings)
    """Keys of `gate` that differ for this source; the others are inherited from `gate`."""
    mode: Mode | None = None
    """As `mode`, for this source; inherited if not set."""
    tracks: TrackSettings = Field(default_factory=TrackSettings)
    """Keys of `tracks` that differ for this source; the others are inherited from `tracks`."""
    max_fps: Annotated[float, Field(gt=0, le=240)] = 10.0
    """Cameras: frames a second to look at, at most; fewer under load. Files: every frame."""
    schedule: Annotated[tuple[Hours, ...], Field(strict=False)] = ()
    """Hours in which frames are looked at; always if not set, and of files without `loop`."""
    masks: Annotated[tuple[MaskText, ...], BeforeValidator(written_masks), Field(strict=False)] = ()
    """Polygons: a face whose eyes' midpoint lies in one is discarded (`masked`)."""
    baseline: AnyPath | None = None
    """
    The file that `edge-gate tune` wrote for this source: its scores are compared with it, and the
    log, the metrics and the page tell when they have moved (lens dirty, focus lost).
    """


_Named = TypeVar("_Named", Source, SinkSettings)


def _named_apart(items: tuple[_Named, ...]) -> tuple[_Named, ...]:
    if not items:
        raise ValueError("the list is empty; give at least one")
    names = [item.name for item in items]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"two are named {twice[0]!r}; give each its own name")
    return items


# The length is checked with the names: pydantic's own check also complains of a wrong item.
_AtLeastOne = Field(strict=False, json_schema_extra={"minItems": 1})


class Config(Section):
    """The edge face quality gate."""

    pair: AnyPath
    """The folder of the engine pair that scores; relative to this file."""
    threads: Threads = 2
    """Threads of ONNX Runtime for scoring."""
    engine: EngineSettings = Field(default_factory=EngineSettings)
    """Which library runs the networks of the engine pair."""
    detector: DetectorSettings = Field(default_factory=DetectorSettings)
    """How faces are found."""
    gate: GateSettings = Field(default_factory=GateSettings)
    """Which faces are forwarded, for every source."""
    mode: Mode = "best_shot"
    """
    best_shot: the best faces of each track, or each good face where there are photographs and no
    video; every: each good face; observe: count only.
    """
    tracks: TrackSettings = Field(default_factory=TrackSettings)
    """What is forwarded of one person walking by, for every source."""
    sources: Annotated[
        tuple[Source, ...],
        _AtLeastOne,
        AfterValidator(_named_apart),
    ]
    """Where frames come from; at least one."""
    sinks: Annotated[tuple[SinkSettings, ...], _AtLeastOne, AfterValidator(_named_apart)]
    """Who receives the forwarded faces, each all of them; at least one."""
    delivery: DeliverySettings = Field(default_factory=DeliverySettings)
    """How forwarded faces get to the sinks."""
    shadow_log: ShadowLogSettings | None = None
    """Remembers what was decided about every face, for `edge-gate tune`; off if not set."""
    page: PageSettings = Field(default_factory=PageSettings)
    """A page to look at the gate in a browser, and what monitoring asks."""
