"""`edge-gate demo`: everything once, on real photographs and a clip made of them."""

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rich.progress import Progress

from edge.config.delivery import DirectorySinkSettings
from edge.config.model import DetectorSettings, GateSettings
from edge.console import Screen, console, progress
from edge.delivery.encode import to_delivery
from edge.delivery.face_output import faces_table, made_folder, summary, whole_text
from edge.delivery.record import face_record
from edge.detection.open import open_detector
from edge.errors import EdgeError, SinkError
from edge.footage.frames import assessments
from edge.gate.assess import assess_frame
from edge.reports.contact_sheet import contact_sheet
from edge.reports.demo_clip import clip_frames, shot_photographs, write_clip
from edge.samples import Assessment, Pixels
from edge.sinks.directory import DirectorySink
from edge.sources.files import ImageFiles, native_path
from edge.sources.images import read_image
from edge.sources.video import VideoFile
from engines.build.request import build_catalogued
from engines.catalogue.catalogue import fetch, find_entry
from engines.errors import PairError
from engines.pair.pair import EnginePair, open_pair
from engines.whole_file import write_whole

NETWORK = "mobilefacenet512"
CLIP_EVERY = 3
"""The clip has 12 frames a second; every third is enough to follow it in a table."""


def run(arguments: argparse.Namespace) -> int:
    """Obtain, build, assess, write; print every face."""
    native_path(arguments.out)  # OpenCV writes the sheets
    out = made_folder(arguments.out)
    shown_on = console()
    problems: list[EdgeError] = []
    with progress(shown_on) as bars:
        photographs = _photographs(out / "photographs", bars)
        clip = _clip(photographs, out / "clip.mp4")
        sources = (
            ImageFiles(photographs, problems.append),
            VideoFile(clip, every=CLIP_EVERY),
        )
        with _pair(arguments.pair, arguments.threads, bars) as pair:
            detector = open_detector(DetectorSettings(threads=arguments.threads), bars)
            assess = partial(
                assess_frame,
                detector=detector,
                pair=pair,
                gate=GateSettings(),
                score_discarded=True,
            )
            seen = [
                [
                    _without_pixels(one)
                    for one in assessments([source], assess, bars, problems.append)
                ]
                for source in sources
            ]
    _show(seen)
    _write(out, seen)
    shown_on.print(f"in {out}/: contact-sheet.png, clip-sheet.png, forwarded/, report.json")
    return 1 if problems else 0


def _photographs(folder: Path, bars: Progress) -> list[Path]:
    """Copy the catalogue's photographs, so that `run` and people find them beside the report."""
    made_folder(folder)
    copies = []
    for original in fetch(find_entry("demo-photographs"), bars):
        copy = folder / original.name
        if not copy.exists() or copy.stat().st_size != original.stat().st_size:
            write_whole(copy, original.read_bytes())
        copies.append(copy)
    return copies


def _clip(photographs: Sequence[Path], path: Path) -> Path:
    if not path.exists():
        wanted = [each for each in photographs if each.name in shot_photographs()]
        write_clip(clip_frames({each.name: read_image(each) for each in wanted}), path)
    return path


def _pair(folder: Path, threads: int, bars: Progress) -> EnginePair:
    """Open the pair of an earlier run, or build it; a damaged one is built again."""
    try:
        return open_pair(folder, threads)
    except PairError:
        build_catalogued(find_entry(NETWORK), folder, threads, bars)
        return open_pair(folder, threads)


def _without_pixels(assessment: Assessment) -> Assessment:
    # A face keeps its 112 x 112 image; a hundred full frames would not fit a small device.
    frame = replace(assessment.frame, pixels=np.empty((0, 0, 3), np.uint8))
    return replace(assessment, frame=frame)


def _show(seen: Sequence[Sequence[Assessment]]) -> None:
    for title, faces in zip(("photographs", "clip"), seen, strict=True):
        records = [face_record(face) for face in faces]
        Screen(highlight=False).print(faces_table(records, title), summary(records))


def _write(out: Path, seen: Sequence[Sequence[Assessment]]) -> None:
    for name, faces in zip(("contact-sheet.png", "clip-sheet.png"), seen, strict=True):
        _write_picture(out / name, contact_sheet(faces))
    shutil.rmtree(out / "forwarded", ignore_errors=True)
    sink = DirectorySink(DirectorySinkSettings(path=(out / "forwarded").absolute(), keep_for=None))
    everything = [face for faces in seen for face in faces]
    for face in everything:
        if face.verdict.forward:
            sink.send(to_delivery(face))
    records = [face_record(face).model_dump(mode="json") for face in everything]
    with whole_text(out / "report.json") as file:
        json.dump({"faces": records}, file, indent=1)


def _write_picture(path: Path, pixels: Pixels) -> None:
    try:
        write_whole(path, cv2.imencode(path.suffix, pixels)[1].tobytes())
    except OSError as error:
        raise SinkError(f"{path}: cannot be written: {error.strerror}") from error
