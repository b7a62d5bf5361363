"""Which camera is tuned: its footage, its settings, and where its threshold is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.config.effective import CameraSettings, after_observing, section_of
from edge.config.model import Config
from edge.config.reader import KeyPath
from edge.config.source import AS_STATED, Geometry
from edge.errors import UsageError
from edge.shadow_log.conditions import UNKNOWN, conditions_of
from edge.shadow_log.file import is_shadow_log

ALL_CAMERAS = "all-cameras"


@dataclass(frozen=True, slots=True)
class Target:
    """One threshold to be found."""

    name: str
    """Of the camera, or of the gate that all share; safe as a file name."""
    section: KeyPath
    """The gate that is changed."""
    faces: CameraSettings
    """In effect, in the mode that follows where it only observes for now."""
    footage: tuple[Path, ...]
    geometry: Geometry = AS_STATED
    """How its pictures become what people saw."""
    conditions: str = UNKNOWN
    """By which its faces are found."""


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
        shared = after_observing(config, None, footage).faces
        return (Target(ALL_CAMERAS, ("gate",), shared, tuple(footage)),)
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
    shown = tuple(footage) or (_own_footage(config, index) or source.uri.path,)
    recorded = () if any(is_shadow_log(path) for path in shown) else shown
    found = after_observing(config, source, recorded)
    return Target(
        name=source.name,
        section=("sources", index, "gate") if own else section_of(config, index),
        faces=found.faces,
        footage=shown,
        geometry=source.geometry,
        conditions=conditions_of(found, config.detector),
    )


def _own_footage(config: Config, index: int) -> Path | None:
    """Return the recording of a source, or the shadow log of a camera; None when there is none."""
    uri, log = config.sources[index].uri, config.shadow_log
    if uri.scheme == "file":
        return uri.path
    return log.path if log is not None and is_shadow_log(log.path) else None
