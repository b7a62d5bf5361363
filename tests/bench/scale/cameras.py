"""1 to 8 cameras: a frame costs as much beside seven other cameras as alone."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from edge.config.model import Config
from edge.pipeline.daemon import Daemon
from edge.sources.open import live_source
from tests.bench.scale.points import Part, Point, Where, alone, milliseconds
from tests.edge.running_gate import write_walks

PEOPLE = ("obama.jpg", "biden.jpg") * 3
DETECTOR = {"name": "ultraface68", "threads": 1}


def _points(where: Where) -> Iterator[Point]:
    clip = write_walks(where.folder / "walks.mp4", PEOPLE)
    for cameras in where.sizes or (1, 2, 4, 8):
        spent, frames = alone(_run, clip, where.pair, cameras)
        yield Point("cameras", "a frame of any camera", cameras, spent / frames)


def _run(clip: Path, pair: Path, cameras: int) -> tuple[float, int]:
    """Take a clip through a gate as so many cameras; return what it cost, and the frames."""
    with TemporaryDirectory() as folder:
        settings = {
            "pair": str(pair),
            "threads": 1,
            "detector": DETECTOR,
            "gate": {"threshold": 20},
            "sources": [{"name": f"camera-{each}", "uri": str(clip)} for each in range(cameras)],
            "sinks": [{"type": "directory", "path": f"{folder}/faces"}],
            "delivery": {"outbox": {"path": f"{folder}/outbox.sqlite"}},
        }
        ended = Event()
        daemon = Daemon(Config.model_validate(settings), live_source, ended.set)

        def run() -> None:
            daemon.start()
            ended.wait()

        spent = milliseconds(run)
        looked_at = sum(each.counts.looked_at for each in daemon.ledgers())
        daemon.stop(drain_s=0.0)
    return spent, looked_at


PART = Part("cameras", "a frame, by cameras", "cameras", _points)
