"""`edge-gate purge`: delete old faces from outboxes, directory sinks and shadow logs."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge.config.delivery import DirectorySinkSettings
from edge.config.file import read_config
from edge.config.quantities import seconds
from edge.errors import OutboxError, ShadowLogError, UsageError
from edge.service.purge import Purged, purge_directory, purge_outbox, purge_shadow_log

EXAMPLES = """\
examples:
  edge-gate purge --older-than 30d --dry-run --config configs/demo.yaml
  edge-gate purge --older-than 0s --outbox /var/lib/edge-gate/outbox.sqlite
  edge-gate purge --older-than 12h --directory demo/forwarded --list

With --config: outbox, directory sinks and shadow log of that configuration. The gate may go on
running. Faces that wait in the outbox are deleted as well: their sinks never get them. What left
over HTTP or MQTT is no longer here; ask its receiver.

Exit code: 0, 1 when a place could not be purged, 64 for a wrong command line.
"""


@dataclass(frozen=True, slots=True)
class Place:
    """An outbox, a folder or a shadow log."""

    path: Path
    purge: Callable[..., list[Purged]]
    must_exist: bool
    """A place named on the command line; a configured one may not have been made yet."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the age, the places and --dry-run."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--older-than", type=_age, required=True, metavar="AGE", help="such as 12h or 30d"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="purge all places it names")
    parser.add_argument(
        "--outbox", type=Path, action="append", default=[], metavar="FILE", help="an outbox"
    )
    parser.add_argument(
        "--directory", type=Path, action="append", default=[], metavar="DIR", help="a sink's folder"
    )
    parser.add_argument(
        "--shadow-log", type=Path, action="append", default=[], metavar="FILE", help="a shadow log"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    parser.add_argument("--list", action="store_true", help="print a line for each face")


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


def _age(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
