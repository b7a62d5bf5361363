"""`edge-gate models`: list, fetch and locate networks, face detectors and photographs."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from edge.errors import ConfigError, UsageError
from engines.catalogue.cache import cache_folder
from engines.catalogue.catalogue import (
    Catalogued,
    CataloguedFile,
    Converted,
    RegistryMember,
    Url,
    UserFile,
    entries,
    fetch,
    find_entry,
    located,
)
from engines.errors import CatalogueError, EntryError, HashMismatchError, UnknownEntryError

EXAMPLES = """\
examples:
  edge-gate models list
  edge-gate models fetch mobilefacenet512 mtcnn
  edge-gate models path mobilefacenet512
  edge-gate models fetch configs/networks/my-network.yaml    an entry of your own

Downloads are checked by SHA-256 and kept in $EDGE_GATE_CACHE, by default ~/.cache/edge-gate;
what is there works offline.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `list`, `fetch NAME...` and `path NAME`."""
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(dest="action", metavar="list | fetch | path", required=True)
    listing = actions.add_parser("list", help="show the catalogue and what is cached")
    listing.add_argument("--json", action="store_true", help="print JSON instead of a table")
    listing.add_argument("names", nargs="*", metavar="NAME", help="show only these")
    fetching = actions.add_parser("fetch", help="obtain entries and print their verified files")
    fetching.add_argument("names", nargs="+", metavar="NAME", help="name, or path to a YAML entry")
    locating = actions.add_parser("path", help="print an entry's verified files, without network")
    locating.add_argument("names", nargs=1, metavar="NAME", help="name, or path to a YAML entry")


def run(arguments: argparse.Namespace) -> int:
    """Run one action; problems are raised as the errors `edge.__main__` knows."""
    found = _found(arguments.names)
    if arguments.action == "list":
        _list(found or entries(), arguments.json)
    elif arguments.action == "fetch":
        _print_paths(_fetched(found))
    else:
        _print_paths([path for entry in found for path in located(entry)])
    return 0


def _found(names: Sequence[str]) -> list[Catalogued]:
    try:
        return [find_entry(name) for name in names]
    except UnknownEntryError as error:
        raise UsageError(str(error)) from error
    except EntryError as error:
        raise ConfigError(str(error)) from error


def _fetched(found: Sequence[Catalogued]) -> list[Path]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        return [path for entry in found for path in fetch(entry, progress)]


def _print_paths(paths: Sequence[Path]) -> None:
    sys.stdout.writelines(f"{path}\n" for path in paths)


def _list(found: Sequence[Catalogued], as_json: bool) -> None:
    rows = [_row(entry) for entry in found]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(caption=f"cache: {cache_folder()}", caption_justify="left")
    for heading in ("name", "kind", "download", "cached", "licence and note"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        words = f"{row['licence']}. {row['note']} [{row['source']}]"
        table.add_row(
            row["name"], row["kind"], row["download"], row["cached"], words, end_section=True
        )
    Console(markup=False, highlight=False).print(table)


def _row(entry: Catalogued) -> dict[str, str]:
    return {
        "name": entry.name,
        "kind": entry.kind,
        "licence": entry.licence,
        "note": entry.note,
        "download": _download_size(entry),
        "source": ", ".join(_origins(entry.files)),
        "cached": _cached(entry),
    }


def _origins(files: Sequence[CataloguedFile]) -> dict[str, int | None]:
    """Return each thing to download once, with its size in bytes where that is known."""
    origins: dict[str, int | None] = {}
    for file in files:
        match file.source:
            case RegistryMember(archive=archive):
                client = archive.client.split("-")[0]
                origins[f"{client} {archive}"] = archive.bytes
            case Url(bytes=size):
                origins[str(file.source)] = size
            case UserFile():
                origins[str(file.source)] = 0
            case Converted(files=parts):
                origins |= _origins(parts)
    return origins


def _download_size(entry: Catalogued) -> str:
    sizes = list(_origins(entry.files).values())
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return "unknown"
    return f"{sum(known) / 1e6:.1f} MB" if sum(known) else "your file"


def _cached(entry: Catalogued) -> str:
    try:
        located(entry)
    except HashMismatchError:
        return "damaged"
    except CatalogueError:
        return "no"
    return "yes"
