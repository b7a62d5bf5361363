"""Which camera is tuned: its footage, its settings, and where its threshold is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.config.masks import Polygon, polygon
from edge.config.model import Config, GateSettings, Source, effective_gate, effective_mode
from edge.config.model import effective_tracks as tracks_of
from edge.config.reader import KeyPath
from edge.errors import UsageError
from edge.shadow_log.file import is_shadow_log

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
    enough: float
    """Quality score from which on no better face of a track is looked for."""
    masks: tuple[Polygon, ...]
    footage: tuple[Path, ...]


def targets(config: Config, footage: Sequence[Path], named: str | None) -> tuple[Target, ...]:
    """
    Return what is to be tuned.

    Args:
        config: The configuration.
        footage: Given by the operator: recordings, or one shadow log. Without it, the recordings
            that the configuration names, and its shadow log for live cameras.
        named: The camera that the footage is of; None for the only one, or for all.

    Raises:
        UsageError: There is no such camera, or no footage of it.
    """
    chosen = _chosen(config, named)
    is_log = any(is_shadow_log(path) for path in footage)
    if is_log and len(footage) > 1:
        raise UsageError("a shadow log is looked at by itself: leave out the other footage")
    if footage and len(chosen) > 1 and not is_log:
        keep, enough = _keep(config, None), config.tracks.enough
        return (Target(ALL_CAMERAS, ("gate",), config.gate, keep, enough, (), tuple(footage)),)
    if not footage:
        chosen = [index for index in chosen if _own_footage(config, index) is not None]
    if not chosen:
        raise UsageError(
            "this is a live camera: name recorded footage of it, files or folders, or let the gate "
            "fill a shadow_log for a while"
        )
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
        enough=tracks_of(config, source).enough,
        masks=tuple(polygon(text) for text in source.masks),
        footage=tuple(footage) or (_own_footage(config, index) or source.uri.path,),
    )


def _own_footage(config: Config, index: int) -> Path | None:
    """Return the recording of a source, or the shadow log of a camera; None when there is none."""
    uri, log = config.sources[index].uri, config.shadow_log
    if uri.scheme == "file":
        return uri.path
    return log.path if log is not None and is_shadow_log(log.path) else None


def _keep(config: Config, source: Source | None) -> int:
    mode = config.mode if source is None else effective_mode(config, source)
    tracks = config.tracks if source is None else tracks_of(config, source)
    if mode == "observe":  # which forwards nothing: what matters is the mode that will follow it
        mode = config.mode
    return EVERY_FACE if mode == "every" else tracks.keep
