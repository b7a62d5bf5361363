"""A new threshold for one camera: the YAML to paste, and how it is written into the file."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import yaml

from edge.config.changes import changes
from edge.config.edit import read_text, replace_text, with_threshold
from edge.config.edits.lists import with_list
from edge.config.effective import section_of
from edge.config.file import checked
from edge.config.model import Config, Source
from edge.config.reader import KeyPath, parse_document
from edge.errors import ConfigError
from edge.page.area import Area, area_of
from edge.page.http_messages import Refusal


def index_of(config: Config, name: str) -> int:
    """
    Return the position of a source.

    Raises:
        ConfigError: There is none of this name.
    """
    names = [source.name for source in config.sources]
    if name not in names:
        raise ConfigError(f"no source {name!r} in the configuration; it has {', '.join(names)}")
    return names.index(name)


def source_of(config: Config, name: str) -> Source:
    """
    Return the source of a name.

    Raises:
        ConfigError: There is none of this name.
    """
    return config.sources[index_of(config, name)]


def known_source(config: Config, name: str) -> Source:
    """
    Return the source that a request names.

    Raises:
        Refusal: There is none of this name.
    """
    try:
        return source_of(config, name)
    except ConfigError as error:
        raise Refusal(HTTPStatus.NOT_FOUND, str(error)) from error


def yaml_of(config: Config, name: str, threshold: float) -> str:
    """Return the lines to paste into the configuration file, with the keys around them."""
    gate = {"gate": {"threshold": _plain(threshold)}}
    if section_of(config, index_of(config, name)) == ("gate",):
        return yaml.safe_dump(gate)
    return yaml.safe_dump({"sources": [{"name": name, **gate}]}, sort_keys=False)


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of the file that was not made yet."""

    path: Path
    before: str
    after: str
    words: str
    """All that a reload will change, also what others wrote into the file and nobody loaded yet."""

    def write(self) -> None:
        """
        Change the file.

        Raises:
            ConfigError: It was changed meanwhile, or cannot be written.
        """
        replace_text(self.path, self.before, self.after)


class ConfigurationFile:
    """The file that the gate was started with."""

    def __init__(self, path: Path, read: Callable[[Path], Config]) -> None:
        """
        Name the file.

        Args:
            path: The configuration file.
            read: Reads and checks it, what it names included.
        """
        self._path, self._read = path, read

    def edit(self, running: Config, name: str, threshold: float) -> Edit:
        """
        Prepare a new threshold for one camera.

        Args:
            running: What is in effect now.
            name: Of the camera.
            threshold: Quality score in [0, 100].

        Raises:
            ConfigError: The file is not right as it is, or cannot be changed in this place.
        """

        def change(text: str, written: Config) -> str:
            section = section_of(written, index_of(written, name))
            return with_threshold(text, self._path, section, _plain(threshold))

        return self._edit(running, change)

    def edit_all(self, running: Config, camera: str | None, threshold: float) -> Edit:
        """
        Prepare a new threshold for one camera or all of them, and nothing else.

        Args:
            running: What is in effect now, as the file should say.
            camera: Its name; None changes all.
            threshold: Quality score in [0, 100].

        Raises:
            ConfigError: The file says something else than what is in effect, is not right as it
                is, or cannot be changed in this place.
        """

        def change(text: str, written: Config) -> str:
            if written != running:
                raise ConfigError(
                    f"{self._path}: holds changes that are not in effect yet: reload it, or take "
                    "them back"
                )
            for section in _sections(written, camera):
                text = with_threshold(text, self._path, section, _plain(threshold))
            return text

        return self._edit(running, change)

    def edit_area(self, running: Config, name: str, area: Area) -> Edit:
        """
        Prepare other masks and hours for one camera.

        Args:
            running: What is in effect now.
            name: Of the camera.
            area: What is to hold.

        Raises:
            ConfigError: As of `edit`.
        """

        def change(text: str, written: Config) -> str:
            index = index_of(written, name)
            known = area_of(written.sources[index])
            for key in area.changed(known):
                text = with_list(text, self._path, ("sources", index, key), area.written(key))
            return text

        return self._edit(running, change)

    def _edit(self, running: Config, change: Callable[[str, Config], str]) -> Edit:
        written = self._read(self._path)
        before = read_text(self._path)
        after = change(before, written)
        following = checked(parse_document(after.removeprefix("\ufeff"), self._path)).config
        return Edit(self._path, before, after, changes(running, following).words)


def _sections(config: Config, camera: str | None) -> list[KeyPath]:
    """Return the gates that decide for one camera alone, or for all of them."""
    if camera is not None:
        return [section_of(config, index_of(config, camera))]
    own: list[KeyPath] = [
        ("sources", index, "gate")
        for index, source in enumerate(config.sources)
        if source.gate.model_fields_set & {"threshold", "shift_at_most"}
    ]
    return own if len(own) == len(config.sources) else [("gate",), *own]


def _plain(threshold: float) -> float:
    return int(threshold) if float(threshold).is_integer() else threshold
