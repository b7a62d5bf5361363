"""What a new configuration changes, so that nothing else is disturbed."""

from dataclasses import dataclass

from edge.config.effective import in_effect
from edge.config.model import Config, Source
from edge.config.source import SourceSettings


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
            name for name in kept if in_effect(before, old[name]) != in_effect(after, new[name])
        ),
    )


def _engines(config: Config) -> tuple[object, ...]:
    return config.pair, config.threads, config.engine, config.detector


def _opens_alike(one: Source, other: Source) -> bool:
    keys = SourceSettings.model_fields
    return all(getattr(one, key) == getattr(other, key) for key in keys)
