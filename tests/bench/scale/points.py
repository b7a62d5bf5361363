"""What is measured: the price of one item at each size, so that linear growth is a flat line."""

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from tests.processes import processor_s

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Point:
    """One figure of one part."""

    part: str
    series: str
    """What costs, and for what."""
    size: int
    milliseconds: float
    """Processor time for one item."""

    @property
    def name(self) -> tuple[str, str, int]:
        """What it is measured of."""
        return self.part, self.series, self.size


@dataclass(frozen=True, slots=True)
class Where:
    """What the parts need."""

    folder: Path
    """For what they write, and need no more afterwards."""
    pair: Path
    """An engine pair."""
    sizes: Sequence[int] = ()
    """Instead of the usual ones."""


@dataclass(frozen=True, slots=True)
class Part:
    """One picture of the plot."""

    name: str
    title: str
    sizes: str
    """What is counted along the x axis."""
    measure: Callable[[Where], Iterator[Point]]
    is_wide: bool = False
    """Whether its series lie so far apart that only a logarithm shows all of them."""


def alone(function: Callable[..., Result], *arguments: object) -> Result:
    """Return what a function returns in a new process: nothing that was open before counts."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def milliseconds(function: Callable[[], object]) -> float:
    """Return the processor time of a call, of all threads of this process."""
    begin_s = time.process_time()
    function()
    return 1000 * (time.process_time() - begin_s)


def of_process(pid: int) -> float:
    """Return the processor time of another process so far, in milliseconds."""
    return 1000 * processor_s(pid)


def read_points(path: Path) -> list[Point]:
    """Return what was measured before; nothing where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        return [
            Point(row["part"], row["series"], int(row["size"]), float(row["milliseconds"]))
            for row in rows
        ]


def write_points(path: Path, points: Sequence[Point]) -> None:
    """Write a CSV file."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(field.name for field in fields(Point))
        for point in points:
            rows.writerow([*astuple(point)[:3], f"{point.milliseconds:.4g}"])
