"""`edge-gate models`: list, fetch and locate networks, face detectors and photographs."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.progress import BarColumn, Progress, SpinnerColumn, TimeElapsedColumn
from rich.table import Table

from edge.console import Screen, Step
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
    # What root fetches the service reads, whatever root's umask: networks are no secret.
    os.umask(os.umask(0) & ~0o055)
    columns = (SpinnerColumn(), Step(), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Screen(stderr=True), transient=True) as progress:
        return [path for entry in found for path in fetch(entry, progress)]


def _print_paths(paths: Sequence[Path]) -> None:
    sys.stdout.writelines(f"{path}\n" for path in paths)


def _list(found: Sequence[Catalogued], as_json: bool) -> None:
    rows = [_row(entry) for entry in found]
    if as_json:
        sys.stdout.write(f"{json.dumps(rows, indent=2)}\n")
        return
    table = Table(caption=f"cache: {cache_folder()}", caption_justify="left")
    for heading in ("name", "kind", "download", "cached", "licence and note"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        words = f"{row['licence']}. {row['note']} [{row['source']}]"
        table.add_row(
            row["name"], row["kind"], row["download"], row["cached"], words, end_section=True
        )
    Screen(markup=False, highlight=False).print(table)


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
