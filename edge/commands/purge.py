"""`edge-gate purge`: delete old faces from outboxes, directory sinks and shadow logs."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge.config.delivery import DirectorySinkSettings
from edge.config.file import read_config
from edge.errors import OutboxError, ShadowLogError, UsageError
from edge.service.purge import Purged, purge_directory, purge_outbox, purge_shadow_log


@dataclass(frozen=True, slots=True)
class Place:
    """An outbox, a folder or a shadow log."""

    path: Path
    purge: Callable[..., list[Purged]]
    must_exist: bool
    """A place named on the command line; a configured one may not have been made yet."""


def run(arguments: argparse.Namespace) -> int:
    """Purge each place; one that fails does not keep the others."""
    failed = False
    for place in _places(arguments):
        try:
            gone = place.purge(place.path, arguments.older_than, dry_run=arguments.dry_run)
        except (OutboxError, ShadowLogError, OSError) as error:
            print(f"{place.path}: {error}", file=sys.stderr)
            failed = True
            continue
        if arguments.list:
            _print_each(gone)
        _print_sum(place.path, gone, "would delete" if arguments.dry_run else "deleted")
    return 1 if failed else 0


def _places(arguments: argparse.Namespace) -> list[Place]:
    places = [Place(path, purge_outbox, must_exist=True) for path in arguments.outbox]
    places += [Place(path, purge_directory, must_exist=True) for path in arguments.directory]
    places += [Place(path, purge_shadow_log, must_exist=True) for path in arguments.shadow_log]
    if arguments.config is not None:
        places += _configured(arguments.config)
    if not places:
        raise UsageError("nothing to purge: give --config, --outbox, --directory or --shadow-log")
    for place in places:
        if not place.path.exists():
            if place.must_exist:
                raise UsageError(f"{place.path} does not exist: nothing was purged anywhere")
            print(f"{place.path}: not made yet")
    return [place for place in places if place.path.exists()]


def _configured(path: Path) -> list[Place]:
    config = read_config(path).config
    folders = [sink.path for sink in config.sinks if isinstance(sink, DirectorySinkSettings)]
    places = [Place(folder, purge_directory, must_exist=False) for folder in folders]
    if config.delivery.outbox is not None:
        places.append(Place(config.delivery.outbox.path, purge_outbox, must_exist=False))
    if config.shadow_log is not None:
        places.append(Place(config.shadow_log.path, purge_shadow_log, must_exist=False))
    return places


def _print_each(gone: Sequence[Purged]) -> None:
    for face in gone:
        stored = datetime.fromtimestamp(face.stored_at, timezone.utc)
        print(f"{stored:%Y-%m-%dT%H:%M:%SZ}  {face.bytes:>9}  {face.name}")


def _print_sum(path: Path, gone: Sequence[Purged], verb: str) -> None:
    size = sum(face.bytes for face in gone)
    print(f"{path}: {verb} {len(gone)} faces, {size} bytes")
