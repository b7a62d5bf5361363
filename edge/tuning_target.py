"""Which camera is tuned: its footage, its settings, and where its threshold is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.config import Config, GateSettings, Source, effective_gate, effective_mode
from edge.config import effective_tracks as tracks_of
from edge.errors import UsageError
from edge.mask import Polygon, polygon
from edge.strict_yaml import KeyPath

ALL_CAMERAS = "all-cameras"
EVERY_FACE = 1_000_000
"""More faces than a track has."""


@dataclass(frozen=True, slots=True)
class Target:
    """One threshold to be found."""

    name: str
    """Of the camera, or of the gate that all share; safe as a file name."""
    section: KeyPath
    """The gate that is changed."""
    gate: GateSettings
    """In effect."""
    keep: int
    """Faces forwarded of each track."""
    masks: tuple[Polygon, ...]
    footage: tuple[Path, ...]


def targets(config: Config, footage: Sequence[Path], named: str | None) -> tuple[Target, ...]:
    """
    Return what is to be tuned.

    Args:
        config: The configuration.
        footage: Given by the operator; without it, the recordings that the configuration names.
        named: The camera that the footage is of; None for the only one, or for all.

    Raises:
        UsageError: There is no such camera, or no footage of it.
    """
    chosen = _chosen(config, named)
    if footage and len(chosen) > 1:
        keep = _keep(config, None)
        return (Target(ALL_CAMERAS, ("gate",), config.gate, keep, (), tuple(footage)),)
    if not footage:
        chosen = [index for index in chosen if config.sources[index].uri.scheme == "file"]
    if not chosen:
        raise UsageError("this is a live camera: name recorded footage of it, files or folders")
    return tuple(_target(config, index, footage, own=bool(named)) for index in chosen)


def _chosen(config: Config, named: str | None) -> list[int]:
    names = [source.name for source in config.sources]
    if named is not None and named not in names:
        raise UsageError(f"no source {named!r} in the configuration; it has {', '.join(names)}")
    return [index for index, name in enumerate(names) if named in (None, name)]


def _target(config: Config, index: int, footage: Sequence[Path], *, own: bool) -> Target:
    source = config.sources[index]
    alone = len(config.sources) == 1 and not own
    shared = alone and "threshold" not in source.gate.model_fields_set
    return Target(
        name=source.name,
        section=("gate",) if shared else ("sources", index, "gate"),
        gate=effective_gate(config, source),
        keep=_keep(config, source),
        masks=tuple(polygon(text) for text in source.masks),
        footage=tuple(footage) or (source.uri.path,),
    )


def _keep(config: Config, source: Source | None) -> int:
    mode = config.mode if source is None else effective_mode(config, source)
    tracks = config.tracks if source is None else tracks_of(config, source)
    return tracks.keep if mode == "best_shot" else EVERY_FACE
