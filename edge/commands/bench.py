"""`edge-gate bench`: how fast is every part on this machine?"""

import argparse
import json
import platform
import resource
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from edge.config.model import DetectorSettings
from edge.console import console
from edge.detection.open import open_detector
from edge.diagnosis.bench import (
    Bench,
    Seconds,
    frame_cases,
    in_a_row,
    network_cases,
    network_times,
    ratios,
)
from edge.diagnosis.timing import pinned, rounds_of
from edge.protocols import FaceDetector
from edge.samples import Frame
from edge.sources.images import read_image
from engines.build.reference_networks import reference_networks
from engines.catalogue.catalogue import fetch, find_entry
from engines.onnxruntime.backend import OnnxRuntimeNetwork, open_network
from engines.pair.pair import open_unproved

SCHEMA = "edge-gate/bench/1"
SINGLE_FACE = 5
"""Rounds of a single face for each round of everything else."""
FRAME_WIDTH = 1280
"""Pixels: the photograph is scaled to the width of a common camera stream."""


def run(arguments: argparse.Namespace) -> int:
    """Time everything and print it."""
    shown_on = console()
    with pinned(arguments.threads), shown_on.status("timing ..."):
        bench = _bench(arguments)
    for note in bench.notes:
        shown_on.print(note, markup=False)
    if arguments.json:
        sys.stdout.write(json.dumps({"schema": SCHEMA, **asdict(bench)}) + "\n")
    else:
        _print(bench)
    return 0


def _bench(arguments: argparse.Namespace) -> Bench:
    with ExitStack() as stack:
        pair, golden = open_unproved(arguments.pair, arguments.threads)
        stack.enter_context(pair)
        offered = reference_networks(arguments.pair, pair.manifest, arguments.network)
        runs = {
            name: in_a_row([_opened(file, arguments.threads, stack) for file in row])
            for name, row in offered.rows.items()
        }
        frame, detector = _frame(arguments.image), _detector(arguments)
        networks = network_cases(runs, golden.images, pair.specification)
        parts, faces = frame_cases(frame, detector, pair)
        seconds = _seconds({**networks, **parts}, arguments.rounds)
    height, width = frame.pixels.shape[:2]
    return Bench(
        pair_id=pair.pair_id,
        network=pair.manifest.network.name,
        threads=arguments.threads,
        rounds=arguments.rounds,
        networks=network_times({name: seconds[name] for name in networks}, arguments.threads),
        frame_milliseconds={name: 1000 * float(np.median(seconds[name])) for name in parts},
        frame_width=width,
        frame_height=height,
        frame_faces=faces,
        ratios=ratios(seconds),
        peak_memory_mib=_peak_memory_mib(),
        processor=_processor(),
        notes=offered.notes,
    )


def _seconds(cases: Mapping[str, Callable[[], object]], rounds: int) -> Seconds:
    """Time single faces in more rounds: they are quick, and the ratios are made of them."""
    single = {name: case for name, case in cases.items() if name.endswith(" 1")}
    others = {name: case for name, case in cases.items() if name not in single}
    return {**rounds_of(single, SINGLE_FACE * rounds), **rounds_of(others, rounds)}


def _opened(file: bytes, threads: int, stack: ExitStack) -> OnnxRuntimeNetwork:
    return stack.enter_context(closing(open_network(file, threads)))


def _detector(arguments: argparse.Namespace) -> FaceDetector:
    settings = DetectorSettings(
        name=arguments.detector, model=arguments.detector_model, threads=arguments.threads
    )
    return open_detector(settings)


def _frame(path: Path | None) -> Frame:
    """Return the picture, shrunk to the width of a camera's frame."""
    shown = path or fetch(find_entry("demo-photographs"))[0]
    pixels = read_image(shown)
    factor = FRAME_WIDTH / pixels.shape[1]
    if factor < 1:
        pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return Frame(pixels, str(shown), 0, None)


def _peak_memory_mib() -> float:
    unit = 1024 if sys.platform == "darwin" else 1  # bytes there, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit / 1024


def _processor() -> str:
    """Return the processor's model as Linux names it, else the machine's architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _print(bench: Bench) -> None:
    shown_on = Console(highlight=False)
    threads = f"{bench.threads} thread{'s' * (bench.threads > 1)}"
    title = f"{bench.network} (engine pair {bench.pair_id}), {threads}, {bench.processor}"
    table = Table(title=title)
    for heading in ("what", "batch", "ms", "faces per second per core"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for one in bench.networks:
        rate = f"{one.faces_per_second_per_core:.1f}"
        table.add_row(one.name, str(one.batch), f"{one.milliseconds:.2f}", rate)
    table.add_section()
    for name, milliseconds in bench.frame_milliseconds.items():
        table.add_row(name, "", f"{milliseconds:.2f}", "")
    shown_on.print(table)
    for name, ratio in bench.ratios.items():
        shown_on.print(f"{name} = {ratio:.3f}")
    size = f"{bench.frame_width} x {bench.frame_height}, {bench.frame_faces} faces"
    shown_on.print(f"frame: {size}; peak memory {bench.peak_memory_mib:.0f} MiB, all of it open")
