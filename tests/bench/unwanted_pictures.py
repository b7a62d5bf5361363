"""
What pictures cost that nobody looks at: python tests/bench/unwanted_pictures.py

An RTSP camera on this machine sends 25 pictures of 1080p in a second, and is looked at 5 times in
a second. Told is the processor time of the gate and the camera's process for each picture sent:
when all are made, as for a gate that looks at each, and when the camera hears of the next look. In
turns; the ratio is the median of those of the pairs.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge.config.source import SourceSettings
from edge.errors import SourceError
from edge.sources.live import LiveSource
from edge.sources.open import live_source
from edge.sources.status import Surroundings
from tests.bench.lines import show
from tests.edge.rtsp import RtspCamera
from tests.edge.sent_video import moving_pictures, write_video
from tests.processes import own_processor_s

SIZE = (1920, 1080)
SECONDS, WARM_S = 8, 2
LOOKS_S = 0.2
ROUNDS = 3
CODECS = ("h264", "hevc", "mjpeg")


def child(address: str, *, told: bool) -> None:
    """Read a camera for a while; say what each of its pictures cost, in ms."""

    def ignored(_: SourceError) -> None:
        """Tell nobody."""

    settings = SourceSettings.model_validate({"name": "door", "uri": address})
    source = live_source(settings, Surroundings(), ignored)
    source.start()
    while source.take() is None:
        Event().wait(0.02)
    look(source, WARM_S, told=told)
    before_s, frames = own_processor_s(), source.status().frames
    look(source, SECONDS, told=told)
    used_s, came = own_processor_s() - before_s, source.status().frames - frames
    source.stop()
    show(f"{1000 * used_s / came}")


def look(source: LiveSource, seconds: float, *, told: bool) -> None:
    """Take pictures as the gate's worker does."""
    end_s = time.monotonic() + seconds
    while (now_s := time.monotonic()) < end_s:
        if source.take() is None:
            Event().wait(0.002)
            continue
        if told:
            source.next_look(now_s + LOOKS_S)
        Event().wait(max(now_s + LOOKS_S - time.monotonic(), 0))


def measured(camera: RtspCamera, how: str) -> float:
    camera.start()
    try:
        words = [sys.executable, __file__, camera.uri, how]
        return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    finally:
        camera.kill()


def main() -> None:
    if len(sys.argv) > 1:
        child(sys.argv[1], told=sys.argv[2] == "told")
        return
    show("| codec | all made, ms a picture | those before a look, ms | ratio |")
    show("|---|---|---|---|")
    pictures = moving_pictures(30, *SIZE)
    count = 25 * (SECONDS + WARM_S + 6)
    with TemporaryDirectory() as folder:
        for codec in CODECS:
            path = Path(folder) / f"{codec}.mkv"
            write_video(path, codec, (pictures * count)[:count])
            camera = RtspCamera(recording=path, codec=codec)
            pairs = [(measured(camera, "untold"), measured(camera, "told")) for _ in range(ROUNDS)]
            medians = [statistics.median(costs) for costs in zip(*pairs, strict=True)]
            ratio = statistics.median(told / untold for untold, told in pairs)
            show(f"| {codec} | {medians[0]:.1f} | {medians[1]:.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
