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
from rich.table import Table

from edge.config.delivery import DirectorySinkSettings
from edge.config.model import Config, DetectorSettings, Source
from edge.config.uri import parse_uri
from edge.console import Screen, console, progress
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
from edge.errors import EdgeError, SourceError, UsageError
from edge.pipeline.open_networks import open_networks
from edge.samples import Frame
from edge.service.stage_times import STAGES, StageTimes, stage_times, timed_pass
from edge.sources.images import read_image
from engines.amounts import amount
from engines.build.reference_networks import reference_networks
from engines.catalogue.catalogue import fetch, find_entry
from engines.onnxruntime.backend import OnnxRuntimeNetwork, open_network
from engines.pair.pair import open_unproved

SCHEMA = "edge-gate/bench/1"
VIDEO_SCHEMA = "edge-gate/bench-video/1"
ROUNDS, PASSES = 20, 3
"""Unless told otherwise: of everything, and of a video."""
SINGLE_FACE = 5
"""Rounds of a single face for each round of everything else."""
FRAME_WIDTH = 1280
"""Pixels: the photograph is scaled to the width of a common camera stream."""


def run(arguments: argparse.Namespace) -> int:
    """Time everything and print it."""
    if arguments.video is not None:
        return _video(arguments)
    arguments.rounds = arguments.rounds or ROUNDS
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
        frame, detector = _frame(arguments.image), open_detector(_detector_settings(arguments))
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


def _video(arguments: argparse.Namespace) -> int:
    """Time the stages of a video's frames."""
    if arguments.image is not None or arguments.network is not None:
        raise UsageError("--video times that video alone: leave out --image and --network")
    config = _config_for_video(arguments)
    problems: list[EdgeError] = []
    with pinned(arguments.threads), progress(console()) as bars:
        networks = open_networks(config, bars)
        with closing(networks.pair):
            passes = [
                timed_pass(arguments.video, networks, config, bars, problems.append)
                for _ in range(1 + (arguments.rounds or PASSES))
            ]
    if not passes[-1].frames:
        raise problems[-1]
    times = stage_times(passes[1:])
    if arguments.json:
        known = {"schema": VIDEO_SCHEMA, "video": str(arguments.video), **asdict(times)}
        sys.stdout.write(json.dumps(known | {"pair_id": networks.pair.pair_id}) + "\n")
    else:
        _print_stages(times, arguments)
    return 0


def _config_for_video(arguments: argparse.Namespace) -> Config:
    """Return the defaults of everything that no option says."""
    if not arguments.video.is_file():
        raise SourceError(f"{arguments.video}: no such video file")
    return Config(
        pair=arguments.pair,
        threads=arguments.threads,
        detector=_detector_settings(arguments),
        sources=(Source(name="video", uri=parse_uri(str(arguments.video))),),
        sinks=(DirectorySinkSettings(type="directory", path=arguments.video.parent),),
    )


def _print_stages(times: StageTimes, arguments: argparse.Namespace) -> None:
    table = Table()
    for heading in ("stage", "ms a frame", "share"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    whole = times.milliseconds["whole"]
    for stage in (*STAGES, "other", "whole"):
        taken = times.milliseconds[stage]
        table.add_row(stage, f"{taken:.3f}", f"{taken / whole:.1%}")
    shown_on = Screen(highlight=False)
    shown_on.print(table)
    frames, faces = amount(times.frames, "frame"), amount(times.faces, "face")
    counts = f"{frames}, {faces}, {times.scored} scored, {times.forwarded} forwarded"
    shown_on.print(f"{arguments.video.name}, {arguments.detector}: {counts}", markup=False)
    shown_on.print(f"whole / (decode + detect + embed) = {times.ratio:.3f}")


def _seconds(cases: Mapping[str, Callable[[], object]], rounds: int) -> Seconds:
    """Time single faces in more rounds: they are quick, and the ratios are made of them."""
    single = {name: case for name, case in cases.items() if name.endswith(" 1")}
    others = {name: case for name, case in cases.items() if name not in single}
    return {**rounds_of(single, SINGLE_FACE * rounds), **rounds_of(others, rounds)}


def _opened(file: bytes, threads: int, stack: ExitStack) -> OnnxRuntimeNetwork:
    return stack.enter_context(closing(open_network(file, threads)))


def _detector_settings(arguments: argparse.Namespace) -> DetectorSettings:
    return DetectorSettings(
        name=arguments.detector, model=arguments.detector_model, threads=arguments.threads
    )


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
    shown_on = Screen(highlight=False)
    threads = amount(bench.threads, "thread")
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
    size = f"{bench.frame_width} x {bench.frame_height}, {amount(bench.frame_faces, 'face')}"
    shown_on.print(f"frame: {size}; peak memory {bench.peak_memory_mib:.0f} MiB, all of it open")
