"""`score` of a folder of photographs on this machine, and on a cluster of one and two workers."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from engines.build.golden_faces import read_golden
from tests.bench.scale.points import Part, Point, Where, of_process
from tests.edge.dask_cluster import ENVIRONMENT, ROOT, DaskCluster, running
from tests.edge.photographs import head

SIDE, EYES = 320, 60.0
WORKERS = (1, 2)


def _points(where: Where) -> Iterator[Point]:
    for count in where.sizes or (250, 1_000, 4_000, 10_000):
        folder = where.folder / f"images-{count}"
        _photographs(folder, count)
        words = ["score", str(folder), "--pair", str(where.pair), "--detector", "ultraface68"]
        words += ["--threads", "1"]
        here = _spent([*words, "--out", str(where.folder / f"{count}.csv")])
        yield Point("score", "an image, on this machine", count, here / count)
        for workers in WORKERS:
            there = _on_cluster(words, where.folder / f"parts-{count}-{workers}", workers)
            name = f"an image, {workers} worker{'s' * (workers > 1)}"
            yield Point("score", name, count, there / count)


def _photographs(folder: Path, count: int) -> None:
    """Write photographs of one head each, all different."""
    folder.mkdir()
    heads = [head(file, EYES) for file in dict.fromkeys(each.file for each in read_golden())]
    rng = np.random.default_rng(0)
    for number in range(count):
        pixels = rng.integers(80, 110, (SIDE, SIDE, 3), np.uint8)
        shown = heads[number % len(heads)][:SIDE, :SIDE]
        left, top = (rng.integers(0, SIDE - side + 1) for side in shown.shape[1::-1])
        pixels[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
        cv2.imwrite(str(folder / f"{number:06d}.jpg"), pixels)


def _spent(words: Sequence[str]) -> float:
    """Return the milliseconds of a command, its children included."""
    command = [sys.executable, "-m", "edge", *words]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=quiet, stderr=quiet)
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode != 0:
        raise RuntimeError(f"{words} ended with {process.returncode}")
    return 1000 * (usage.ru_utime + usage.ru_stime)


def _on_cluster(words: Sequence[str], out: Path, workers: int) -> float:
    """Return the milliseconds of the command, the scheduler and the workers."""
    with running(out.parent, workers) as cluster:
        before = _of_cluster(cluster)
        spent = _spent([*words, "--cluster", cluster.address, "--out", str(out)])
        return spent + _of_cluster(cluster) - before


def _of_cluster(cluster: DaskCluster) -> float:
    return sum(of_process(each.process.pid) for each in (cluster.scheduler, *cluster.workers))


PART = Part("score", "score, by images", "images", _points)
