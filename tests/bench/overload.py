"""
Print how old frames are at their verdict when cameras ask for more than a gate can do.

    python -m tests.bench.overload PAIR                       # four cameras, 2.5 times too much
    python -m tests.bench.overload PAIR --cameras 8 --times 4
    python -m tests.bench.overload PAIR --detector mtcnn --video FILE --size 1920x1080

The gate and its cameras are real: Motion JPEG over HTTP, each camera read in a process of its own.
Ages are from the moment a picture is there to that at which it was decided about.

Without `--detector` it is a stand-in that finds nobody and takes as long as `--look` says, before a
street of 640x360: so the overload is what it is meant to be, whatever else the machine does. With
it the named detector looks at every picture that it is asked to (`tracks: {search: every}`), and
what one look takes is measured first, on the same pictures: processor time of the whole way through
the gate, one thread. That times the number of cameras sets the rate, so the machine must have
nothing else to do, and needs a second core for those who decode.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest
import yaml

from edge.config.effective import CameraSettings
from edge.config.file import read_config
from edge.config.model import DetectorSettings, GateSettings
from edge.config.tracks import TrackSettings
from edge.detection.open import open_detector
from edge.footage.camera_run import steps
from edge.gate.camera_gate import CameraGate
from edge.gate.observation import Listeners, Observation
from edge.pipeline import open_networks
from edge.pipeline.daemon import Daemon
from edge.samples import DetectedFace, Frame, Pixels
from edge.sources.open import live_source
from edge.sources.video import VideoFile
from engines.pair.pair import open_pair
from tests.bench.lines import show
from tests.bench.street import RATE, View, configuration, showing, shown
from tests.edge.motion_jpeg import motion_jpeg

VIEW = View(640, 360)
SETTLES_S = 10.0
FASTER = 1.2
"""By which a camera sends more pictures than are asked for: it waits from one to the next."""
PICTURES, WARM_UP = 240, 20
"""Of a video: all that are shown, over and over; not counted before a look is timed."""


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


def measured(options: argparse.Namespace, jpegs: Sequence[bytes], rate: float) -> Ages:
    """Run the gate, and return the ages after it has settled."""
    ages, ended = Ages(), Event()
    with tempfile.TemporaryDirectory() as folder, sent(jpegs, max(RATE, FASTER * rate)) as port:
        file = Path(folder) / "gate.yaml"
        config = configuration(options.pair, port, options.cameras, threads=1)
        config["tracks"] = config["tracks"] | {"search": "every"}
        if options.detector is not None:
            config["detector"] = config["detector"] | named(options)
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


@contextmanager
def sent(jpegs: Sequence[bytes], rate: float) -> Iterator[int]:
    """Serve cameras from a process of its own, as none sends in the gate's; yield the port."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_send, args=(jpegs, rate, theirs))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join()


def _send(jpegs: Sequence[bytes], rate: float, asked: Connection) -> None:
    with motion_jpeg(camera=showing(jpegs, rate)) as port:
        asked.send(port)
        asked.recv()


def named(options: argparse.Namespace) -> dict[str, str]:
    """Return the keys of the detector that is asked for."""
    model = {} if options.model is None else {"model": str(options.model.resolve())}
    return {"name": options.detector, **model}


def look_seconds(options: argparse.Namespace, jpegs: Sequence[bytes]) -> float:
    """Return the processor time of a look, the mean over the pictures."""
    detector = open_detector(DetectorSettings.model_validate({**named(options), "threads": 1}))
    tracks = TrackSettings(search="every", gap=0.3, duplicate_above=1)
    frames = [Frame(decoded(jpeg), "", at, at / RATE) for at, jpeg in enumerate(jpegs)]
    with open_pair(options.pair) as pair:
        gate = CameraGate(detector, pair, CameraSettings(GateSettings(), tracks, "best_shot"))
        for _ in steps(frames[:WARM_UP], gate):
            pass
        began_s = time.process_time()
        for _ in steps(frames, gate):
            pass
        return (time.process_time() - began_s) / len(frames)


def decoded(jpeg: bytes) -> Pixels:
    """Return the pixels of a picture of ours."""
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def pictures(options: argparse.Namespace) -> Sequence[bytes]:
    """Return what the cameras show."""
    if options.video is None:
        return shown(VIEW)
    frames = islice(VideoFile(options.video).frames(), PICTURES)
    sized = [frame.pixels if options.size is None else resized(frame, options) for frame in frames]
    return [cv2.imencode(".jpg", pixels)[1].tobytes() for pixels in sized]


def resized(frame: Frame, options: argparse.Namespace) -> Pixels:
    """Return the picture at the size that is asked for."""
    width, height = map(int, options.size.split("x"))
    return cv2.resize(frame.pixels, (width, height)).astype(np.uint8)


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
    parser.add_argument("--detector", help="a real one, instead of one that takes --look")
    parser.add_argument("--model", type=Path, help="its file, for yunet")
    parser.add_argument("--video", type=Path, help="what the cameras show, instead of a street")
    parser.add_argument("--size", help="of the video's pictures, as 1920x1080 (default: its own)")
    options = parser.parse_args()
    jpegs = pictures(options)
    with pytest.MonkeyPatch.context() as patch:
        if options.detector is None:
            look_s = options.look
            patch.setattr(open_networks, "open_configured", lambda *_: Waiting(look_s))
        else:
            look_s = look_seconds(options, jpegs)
        rate = options.times / options.cameras / look_s
        rate = rate if options.detector else min(rate, RATE)
        ages = measured(options, jpegs, rate)
    show(f"a look takes {1000 * look_s:.1f} ms; each camera is to be looked at {rate:.2f} times/s")
    show("| camera | looks | age p50, ms | p95, ms | p99, ms | p99, frame intervals |")
    show("|---|---|---|---|---|---|")
    for camera, seconds in sorted(ages.seconds.items()):
        of_ages = partial(np.percentile, np.array(seconds))
        told = " | ".join(f"{1000 * of_ages(percent):.0f}" for percent in (50, 95, 99))
        show(f"| {camera} | {len(seconds)} | {told} | {of_ages(99) * rate:.2f} |")


if __name__ == "__main__":
    main()
