"""
What is in effect for one camera. Everybody who wants to know it asks here.

A key is its own, then the one that all cameras share, then the default. Two rules more: of
`threshold` and `shift_at_most` the one that was given last decides; and nobody is followed from one
photograph to the next, so that footage without a video is taken in mode `every`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge.config.masks import Polygon, polygon
from edge.config.model import Config, GateSettings, Source
from edge.config.reader import KeyPath
from edge.config.schedule import Hours
from edge.config.source import AS_STATED, Geometry, are_stills
from edge.config.tracks import Mode, TrackSettings
from edge.errors import UsageError

_ALTERNATIVE = {"threshold": "shift_at_most", "shift_at_most": "threshold"}


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """What is decided by: the gate, and what is forwarded of a track."""

    gate: GateSettings
    tracks: TrackSettings
    mode: Mode
    masks: tuple[Polygon, ...] = ()

    @property
    def threshold(self) -> float | None:
        """Quality score at which faces pass; None where `shift_at_most` decides instead."""
        return self.gate.threshold if self.gate.shift_at_most is None else None


@dataclass(frozen=True, slots=True)
class InEffect:
    """Everything that holds for one camera."""

    faces: CameraSettings
    """Decide about its faces."""
    schedule: tuple[Hours, ...] = ()
    """Hours in which its frames are looked at; always if empty."""
    max_fps: float = Source.model_fields["max_fps"].default
    """Frames a second to look at, at most."""
    geometry: Geometry = AS_STATED
    """How its pictures, and those of footage of it, become what people saw."""
    photographs: bool = False
    """The footage is photographs, for which mode `best_shot` has given way to `every`."""


def in_effect(config: Config, source: Source, footage: Sequence[Path] = ()) -> InEffect:
    """
    Return what holds for one camera; looks at the names of its files, and at nothing else.

    Args:
        config: The configuration.
        source: One of its sources.
        footage: What is looked at in the place of the source's own files.
    """
    faces = CameraSettings(
        gate=_gate(config, source),
        tracks=_tracks(config, source),
        mode=source.mode or config.mode,
        masks=tuple(polygon(text) for text in source.masks),
    )
    found = InEffect(faces, source.schedule, source.max_fps, source.geometry)
    return _of_footage(found, footage or _own(source))


def in_effect_for_all(config: Config, footage: Sequence[Path]) -> InEffect:
    """Return what holds for footage of no camera in particular: what all of them share."""
    faces = CameraSettings(config.gate, config.tracks, config.mode)
    return _of_footage(InEffect(faces), footage)


def in_effect_for(config: Config, named: str | None, footage: Sequence[Path]) -> InEffect:
    """
    Return what holds for footage of a camera; without a name, of the only one or of all.

    Raises:
        UsageError: There is no such camera.
    """
    if named is None and len(config.sources) > 1:
        return in_effect_for_all(config, footage)
    for source in config.sources:
        if named in (None, source.name):
            return in_effect(config, source, footage)
    names = ", ".join(source.name for source in config.sources)
    raise UsageError(f"no source {named!r} in the configuration; it has {names}")


def after_observing(config: Config, source: Source | None, footage: Sequence[Path]) -> InEffect:
    """
    Return what holds for a camera, in the mode that follows where it only observes for now.

    Args:
        config: The configuration.
        source: One of its sources; None for what all of them share.
        footage: What is looked at in the place of the source's own files.
    """
    shared: Mode = "best_shot" if config.mode == "observe" else config.mode
    config = config.model_copy(update={"mode": shared})
    if source is None:
        return in_effect_for_all(config, footage)
    own = None if source.mode == "observe" else source.mode
    return in_effect(config, source.model_copy(update={"mode": own}), footage)


def section_of(config: Config, index: int) -> KeyPath:
    """Return the gate whose threshold decides for one source alone: its own, or the only one."""
    own = config.sources[index].gate.model_fields_set
    if len(config.sources) == 1 and "threshold" not in own:
        return ("gate",)
    return ("sources", index, "gate")


def with_inherited(config: Config, source: Source) -> Source:
    """Return a source as if it had written down everything that holds for it."""
    faces = in_effect(config, source).faces
    update = {"gate": faces.gate, "mode": faces.mode, "tracks": faces.tracks}
    return source.model_copy(update=update)


def observing(faces: CameraSettings) -> CameraSettings:
    """Return the settings by which footage is watched that will be decided by the given ones."""
    tracks = faces.tracks
    if faces.mode == "every":
        tracks = tracks.model_copy(update={"search": "every"})
    return replace(faces, mode="observe", tracks=tracks)


def at_threshold(faces: CameraSettings, threshold: float) -> CameraSettings:
    """Return the same settings with another threshold, which decides even if it did not before."""
    gate = faces.gate.model_copy(update={"threshold": threshold, "shift_at_most": None})
    return replace(faces, gate=gate)


def _gate(config: Config, source: Source) -> GateSettings:
    own = source.gate.model_dump(exclude_unset=True)
    replaced = {_ALTERNATIVE[key] for key in own if key in _ALTERNATIVE}
    inherited = config.gate.model_dump(exclude_unset=True, exclude=replaced)
    return GateSettings.model_validate(inherited | own)


def _tracks(config: Config, source: Source) -> TrackSettings:
    own = source.tracks.model_dump(exclude_unset=True)
    inherited = config.tracks.model_dump(exclude_unset=True)
    return TrackSettings.model_validate(inherited | own)


def _own(source: Source) -> tuple[Path, ...]:
    return () if source.uri.is_live else (source.uri.path,)


def _of_footage(found: InEffect, footage: Sequence[Path]) -> InEffect:
    if found.faces.mode == "best_shot" and are_stills(footage):
        return replace(found, faces=replace(found.faces, mode="every"), photographs=True)
    return found
