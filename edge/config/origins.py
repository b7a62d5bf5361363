"""Every effective setting of a configuration, and where it came from."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from edge.config.effective import in_effect, with_inherited
from edge.config.file import LoadedConfig
from edge.config.keys import Key, config_keys
from edge.config.model import GateSettings
from edge.config.reader import Document, KeyPath

DEFAULT = "default"
PHOTOGRAPHS = "photographs"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value in effect."""

    name: str
    """As in "gate.threshold" or "sources.door.gate.threshold"."""
    value: object
    """None when it is not set."""
    origin: str
    """`file:line`, "default", or "photographs": they have a mode of their own."""
    key: Key
    """Its documentation."""


@dataclass(frozen=True, slots=True)
class _Value:
    """A value of the configuration under its three names."""

    value: object
    path: KeyPath
    name: str
    key_name: str

    def child(self, name: str, value: object) -> "_Value":
        dotted = (f"{parent}.{name}".lstrip(".") for parent in (self.name, self.key_name))
        return _Value(value, (*self.path, name), *dotted)

    def item(self, index: int, value: object) -> "_Value":
        name, tag = getattr(value, "name", index), getattr(value, "type", "")
        return _Value(value, (*self.path, index), f"{self.name}.{name}", f"{self.key_name}[{tag}]")


def effective_settings(loaded: LoadedConfig) -> tuple[Setting, ...]:
    """Return the settings in the order of the documentation; each source has what it inherits."""
    written = loaded.config.sources
    sources = tuple(with_inherited(loaded.config, source) for source in written)
    config = loaded.config.model_copy(update={"sources": sources})
    photographs = {
        ("sources", index, "mode")
        for index, source in enumerate(written)
        if in_effect(loaded.config, source).photographs
    }
    return tuple(
        Setting(
            name=each.name,
            value=each.value,
            origin=PHOTOGRAPHS if each.path in photographs else _origin(loaded.document, each),
            key=config_keys()[each.key_name],
        )
        for each in _values(_Value(config, (), "", ""))
    )


def _values(parent: _Value) -> Iterator[_Value]:
    match parent.value:
        case BaseModel() as section:
            for name in type(section).model_fields:
                yield from _values(parent.child(name, _in_effect(section, name)))
        case tuple() as items:
            for index, item in enumerate(items):
                yield from _values(parent.item(index, item))
        case _:
            yield parent


def _in_effect(section: BaseModel, name: str) -> object:
    replaced = isinstance(section, GateSettings) and section.shift_at_most is not None
    return None if replaced and name == "threshold" else getattr(section, name)


def _origin(document: Document, each: _Value) -> str:
    written = [each.path]
    match each.path:
        case ("sources", int(), "gate" | "tracks" as section, key):
            written.append((section, key))
        case ("sources", int(), "mode"):
            written.append(("mode",))
    found = [path for path in written if path in document.key_places]
    if each.value is None or not found:
        return DEFAULT
    return f"{document.path}:{document.key_places[found[0]].line}"
