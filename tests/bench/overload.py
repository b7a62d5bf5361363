"""
Print how old frames are at their verdict when cameras ask for more than a gate can do.

    python -m tests.bench.overload PAIR                       # four cameras, 2.5 times too much
    python -m tests.bench.overload PAIR --cameras 8 --times 4

The gate and its cameras are real (Motion JPEG of 640x360 over HTTP, 12 pictures a second, each
camera read in a process of its own), the detector is a stand-in that finds nobody and takes as long
as `--look` says: so the overload is what it is meant to be, whatever else the machine does. Ages
are from the moment a picture is there to that at which it was decided about.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import yaml

from edge.config.file import read_config
from edge.gate.observation import Listeners, Observation
from edge.pipeline import open_networks
from edge.pipeline.daemon import Daemon
from edge.samples import DetectedFace, Pixels
from edge.sources.open import live_source
from tests.bench.lines import show
from tests.bench.street import RATE, View, configuration, street
from tests.edge.motion_jpeg import motion_jpeg

VIEW = View(640, 360)
SETTLES_S = 10.0


class Waiting:
    """A detector that takes its time."""

    def __init__(self, look_s: float) -> None:
        self._look_s = look_s

    def detect(self, _: Pixels) -> tuple[DetectedFace, ...]:
        """Find nobody."""
        Event().wait(self._look_s)
        return ()


class Ages:
    """Seconds from a picture to its verdict, by camera."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)

    def observe(self, observation: Observation) -> None:
        """Note one verdict."""
        if observation.captured is not None:
            age_s = time.monotonic() - observation.captured.monotonic_s
            self.seconds[observation.camera].append(age_s)


def measured(options: argparse.Namespace, rate: float) -> Ages:
    """Run the gate, and return the ages after it has settled."""
    ages, ended = Ages(), Event()
    with tempfile.TemporaryDirectory() as folder, motion_jpeg(camera=street(VIEW)) as port:
        file = Path(folder) / "gate.yaml"
        config = configuration(options.pair, port, options.cameras, threads=1)
        for source in config["sources"]:
            source["max_fps"] = rate
        file.write_text(yaml.safe_dump(config))
        daemon = Daemon(
            read_config(file).config, live_source, ended.set, Listeners(observe=ages.observe)
        )
        daemon.start()
        while len(ages.seconds) < options.cameras:  # on a busy machine they take seconds to open
            ended.wait(0.1)
        ended.wait(SETTLES_S)
        ages.seconds.clear()
        ended.wait(options.seconds)
        found, ages.seconds = ages.seconds, defaultdict(list)
        daemon.stop(drain_s=1)
    ages.seconds = found
    return ages


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("pair", type=Path, help="an engine pair")
    parser.add_argument("--cameras", type=int, default=4, help="default 4")
    parser.add_argument("--times", type=float, default=2.5, help="of the time (default 2.5)")
    parser.add_argument("--look", type=float, default=0.1, help="seconds of one (default 0.1)")
    parser.add_argument("--seconds", type=float, default=120.0, help="default 120")
    options = parser.parse_args()
    rate = min(options.times / options.cameras / options.look, RATE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(open_networks, "open_configured", lambda *_: Waiting(options.look))
        ages = measured(options, rate)
    show(f"each camera is to be looked at {rate:.2f} times a second")
    show("| camera | looks | age p50, ms | p95, ms | p99, ms | p99, frame intervals |")
    show("|---|---|---|---|---|---|")
    for camera, seconds in sorted(ages.seconds.items()):
        of_ages = partial(np.percentile, np.array(seconds))
        told = " | ".join(f"{1000 * of_ages(percent):.0f}" for percent in (50, 95, 99))
        show(f"| {camera} | {len(seconds)} | {told} | {of_ages(99) * rate:.2f} |")


if __name__ == "__main__":
    main()
