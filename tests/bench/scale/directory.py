"""A folder of up to 100,000 files: what one face more costs, and what a look at all of them."""

from collections.abc import Iterator
from pathlib import Path

from edge.config.delivery import DirectorySinkSettings
from edge.delivery.record import FaceRecord, record_name
from edge.samples import Delivery
from edge.service.purge import purge_directory
from edge.service.wanted_faces import Wanted
from edge.sinks.directory import DirectorySink
from tests.bench.scale.points import Part, Point, Where, alone, milliseconds
from tests.edge.deliveries import face

TIMES = 200


def _points(where: Where) -> Iterator[Point]:
    for files in where.sizes or (0, 10_000, 100_000):
        folder = where.folder / f"faces-{files}"
        alone(_fill, folder, files // 2)
        for series, spent in alone(_costs, folder, files).items():
            yield Point("directory", series, files, spent)


def _faces(first: int, count: int) -> Iterator[Delivery]:
    """Yield records that differ in their key, all with the same small image."""
    one = face(0)
    for number in range(first, first + count):
        key = f"{number:032x}"[::-1]
        yield Delivery(
            key, one.record.replace(one.key.encode(), key.encode()), b"png", "image/png", 0.5
        )


def _fill(folder: Path, faces: int) -> None:
    folder.mkdir()
    for delivery in _faces(0, faces):
        name = record_name(FaceRecord.model_validate_json(delivery.record))
        (folder / f"{name}.png").write_bytes(delivery.face_image)
        (folder / f"{name}.json").write_bytes(delivery.record)


def _costs(folder: Path, files: int) -> dict[str, float]:
    """Return milliseconds by series."""
    costs: dict[str, float] = {}
    for_ever = DirectorySinkSettings(path=folder, keep_for=None)
    limited = DirectorySinkSettings(path=folder, keep_at_most=10**6)
    for number, (settings, name) in enumerate(((for_ever, ""), (limited, ", keep_at_most"))):
        sink = DirectorySink(settings)
        newer = list(_faces(files + number * TIMES, TIMES))
        first = milliseconds(lambda sink=sink, face=newer[0]: sink.send(face))  # type: ignore[misc]
        if files:
            costs[f"first face{name}, for 1,000 files"] = first / files * 1000
        rest = milliseconds(lambda sink=sink, faces=newer[1:]: [*map(sink.send, faces)])  # type: ignore[misc]
        costs[f"a face{name}"] = rest / (TIMES - 1)
    if files:
        looking = milliseconds(lambda: purge_directory(folder, Wanted(0.0), dry_run=True))
        costs["purge, for 1,000 files"] = looking / files * 1000
    return costs


PART = Part("directory", "directory sink, by files", "files in the folder", _points, is_wide=True)
