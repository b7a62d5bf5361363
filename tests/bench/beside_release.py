"""
Processor time of `run` beside another release, on the same footage, in turn in one run.

    python -m tests.bench.beside_release --before CHECKOUT --pair-before DIR --pair DIR VIDEO …

`CHECKOUT` is a working tree of the other release, which runs with the packages of this Python; each
release needs a pair of its own making. Every video goes through `edge run` of both, with one thread
and the defaults, four times in a row; what the start costs is taken off, by a run on one small
grey picture. A video called `1080p` is made of the first one: its first 40 frames, enlarged to
1920 x 1080.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from edge.sources.video import VideoFile
from tests.bench.lines import show

FORM = """
pair: {pair}
tracks: {tracks}
threads: 1
detector: {{threads: 1}}
sources: [{{name: clip, uri: {uri}}}]
sinks: [{{type: directory, path: {folder}}}]
"""
LARGE = (1920, 1080)
FRAMES = 40
COPIES = 4
"""Of each video: so much that the start, which varies, is little beside it."""


@dataclass(frozen=True)
class Release:
    """A program and the pair that it built."""

    checkout: Path
    pair: Path
    tracks: str = "{}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--pair-before", type=Path, required=True)
    parser.add_argument("--pair", type=Path, required=True)
    parser.add_argument("--tracks", default="{}", help="the section 'tracks' of this release")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("videos", type=Path, nargs="+")
    given = parser.parse_args()
    before = Release(given.before.resolve(), given.pair_before.resolve())
    now = Release(Path.cwd(), given.pair.resolve(), given.tracks)
    with tempfile.TemporaryDirectory() as folder:
        _compare(before, now, [*given.videos, _large(given.videos[0], Path(folder))], given.rounds)
    return 0


def _compare(before: Release, now: Release, videos: Sequence[Path], rounds: int) -> None:
    show("| video | frames | s before | s now | ratio | faces before | now |")
    show("|---|---|---|---|---|---|---|")
    starts = [_started(release, rounds) for release in (before, now)]
    for video in videos:
        with tempfile.TemporaryDirectory() as folder:
            for copy in range(COPIES):
                (Path(folder) / f"{copy}{video.suffix}").symlink_to(video.resolve())
            runs = [[_run(each, Path(folder)) for each in (before, now)] for _ in range(rounds)]
        spent = [[run[0] - start for run, start in zip(pair, starts, strict=True)] for pair in runs]
        ratio = statistics.median(new / old for old, new in spent)
        old, new = (statistics.median(each) for each in zip(*spent, strict=True))
        sent = " | ".join(str(run[1]) for run in runs[0])
        frames = COPIES * sum(1 for _ in VideoFile(video).frames())
        show(f"| {video.stem} | {frames} | {old:.2f} | {new:.2f} | {ratio:.2f} | {sent} |")


def _started(release: Release, rounds: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "grey.png"
        cv2.imwrite(str(picture), np.full((64, 64, 3), 128, np.uint8))
        return statistics.median(_run(release, picture)[0] for _ in range(rounds))


def _run(release: Release, uri: Path) -> tuple[float, int]:
    """Return the processor seconds of the program and its children, and how many faces it sent."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "gate.yaml"
        text = FORM.format(pair=release.pair, tracks=release.tracks, uri=uri, folder=folder / "out")
        config.write_text(text, "utf-8")
        words = [sys.executable, "-m", "edge", "run", "--config", str(config)]
        place = {**os.environ, "PYTHONPATH": str(release.checkout), "OMP_NUM_THREADS": "1"}
        before = os.times()
        done = subprocess.run(
            words, cwd=release.checkout, env=place, capture_output=True, check=False, text=True
        )
        after = os.times()
        if done.returncode:
            raise SystemExit(f"{release.checkout}, {uri}: {done.stderr}")
        spent = after.children_user - before.children_user
        spent += after.children_system - before.children_system
        return spent, len(list((folder / "out").rglob("*.json")))


def _large(video: Path, folder: Path) -> Path:
    path = folder / "1080p.mkv"
    with av.open(str(path), "w") as file:
        track = file.add_stream("libx264", rate=10, options={"crf": "18"})
        track.width, track.height = LARGE
        track.pix_fmt = "yuv420p"
        for frame, _ in zip(VideoFile(video).frames(), range(FRAMES), strict=False):
            pixels = cv2.resize(frame.pixels, LARGE)
            file.mux(track.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        file.mux(track.encode())
    return path


if __name__ == "__main__":
    sys.exit(main())
