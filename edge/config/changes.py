"""What a new configuration changes, so that nothing else is disturbed. Pure."""

from dataclasses import dataclass

from edge.config.masks import polygon
from edge.config.model import (
    Config,
    GateSettings,
    Source,
    effective_gate,
    effective_mode,
    effective_tracks,
)
from edge.config.source import SourceSettings
from edge.config.tracks import Mode, TrackSettings


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference of two configurations."""

    engines: bool
    """Engine pair or detector: both are opened anew, and every gate with them."""
    delivery: bool
    """Sinks, outbox or what is sent: the dispatcher is replaced."""
    watching: bool
    """What only looks on: shadow log, baselines of sources that go on."""
    page: bool
    """Where the page is served, or who may see it."""
    closed: tuple[str, ...]
    """Sources to end: they are gone, or are to be opened in another way."""
    opened: tuple[str, ...]
    """Sources to open: they are new, or are to be opened in another way."""
    retuned: tuple[str, ...]
    """Sources that go on, with other decisions about their faces."""

    @property
    def words(self) -> str:
        """What changes, for the log."""
        parts = [
            "engines" * self.engines,
            "delivery" * self.delivery,
            "what looks on" * self.watching,
            "page" * self.page,
            *(f"{name} ends" for name in self.closed if name not in self.opened),
            *(f"{name} is opened anew" for name in self.opened if name in self.closed),
            *(f"{name} is new" for name in self.opened if name not in self.closed),
            *(f"{name} is retuned" for name in self.retuned),
        ]
        return ", ".join(filter(None, parts)) or "nothing"


@dataclass(frozen=True, slots=True)
class Decisions:
    """Everything that decides about the faces of one source."""

    gate: GateSettings
    tracks: TrackSettings
    mode: Mode
    masks: tuple[str, ...]

    @property
    def polygons(self) -> tuple[tuple[tuple[float, float], ...], ...]:
        """The masks as corners."""
        return tuple(polygon(text) for text in self.masks)


def decisions(config: Config, source: Source) -> Decisions:
    """Return what is in effect for one source."""
    return Decisions(
        gate=effective_gate(config, source),
        tracks=effective_tracks(config, source),
        mode=effective_mode(config, source),
        masks=source.masks,
    )


def changes(before: Config, after: Config) -> Changes:
    """Return what must be done to get from one configuration to another."""
    old, new = ({source.name: source for source in each.sources} for each in (before, after))
    kept = [name for name in new if name in old and _opens_alike(old[name], new[name])]
    return Changes(
        engines=_engines(before) != _engines(after),
        watching=before.shadow_log != after.shadow_log
        or any(old[name].baseline != new[name].baseline for name in kept),
        delivery=(before.sinks, before.delivery) != (after.sinks, after.delivery),
        page=before.page != after.page,
        closed=tuple(name for name in old if name not in kept),
        opened=tuple(name for name in new if name not in kept),
        retuned=tuple(
            name for name in kept if _looks(before, old[name]) != _looks(after, new[name])
        ),
    )


def _engines(config: Config) -> tuple[object, ...]:
    return config.pair, config.threads, config.engine, config.detector


def _opens_alike(one: Source, other: Source) -> bool:
    keys = SourceSettings.model_fields
    return all(getattr(one, key) == getattr(other, key) for key in keys)


def _looks(config: Config, source: Source) -> tuple[object, ...]:
    return decisions(config, source), source.schedule, source.max_fps
