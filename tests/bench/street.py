"""A street for benches of a whole gate: people who walk by one after the other, a crowd, nobody."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain, cycle
from pathlib import Path
from threading import Event
from typing import Any

import cv2
import yaml

from edge.samples import Pixels
from tests.bench.detector_price import CONTENTS, PEOPLE, frame
from tests.edge.motion_jpeg import MotionJpeg, motion_jpeg
from tests.edge.mqtt_broker import free_port
from tests.edge.photographs import head
from tests.edge.running_gate import RunningGate

RATE = 12
STEPS = 24
"""Pictures of one walk through the frame, and of the pause after it."""


@dataclass(frozen=True, slots=True)
class View:
    """What a camera shows."""

    width: int
    height: int
    crowd: bool = False
    """Whether 28 people stand there between the walks."""


@cache
def shown(view: View) -> tuple[bytes, ...]:
    """Return JPEGs of two people who walk by, of nobody, and of a crowd if there is one."""
    empty = frame(view.width, view.height, *CONTENTS["empty"])
    pictures = list(chain.from_iterable(_walk(empty, person) for person in PEOPLE))
    if view.crowd:
        crowd = frame(view.width, view.height, *CONTENTS["crowd of 28"])
        pictures += [*[crowd] * STEPS, *[empty] * STEPS]
    return tuple(cv2.imencode(".jpg", pixels)[1].tobytes() for pixels in pictures)


def _walk(empty: Pixels, person: str) -> Iterator[Pixels]:
    height, width = empty.shape[:2]
    portrait = head(person, height / 18)
    rows, columns = portrait.shape[:2]
    for step in range(STEPS):
        pixels, left = empty.copy(), round((width - columns) * step / STEPS)
        pixels[height // 3 : height // 3 + rows, left : left + columns] = portrait
        yield pixels
    yield from [empty] * STEPS


def street(view: View) -> type[MotionJpeg]:
    """Return a camera at its usual rate."""
    return showing(shown(view), RATE)


def showing(jpegs: Sequence[bytes], rate: float) -> type[MotionJpeg]:
    """Return a camera that shows pictures over and over, so many a second."""

    class Camera(MotionJpeg):
        def pictures(self) -> Iterator[bytes]:
            pause = Event()
            for jpeg in cycle(jpegs):
                yield jpeg
                pause.wait(1 / rate)

    return Camera


class Gate:
    """A real gate in a process of its own that forwards everybody each time."""

    def __init__(self, process: RunningGate, file: Path, config: dict[str, Any]) -> None:
        self.process, self.page = process, f"http://{config['page']['listen']}"
        self.config = config
        """As it is in effect."""
        self._file = file

    def reload(self, **changes: Any) -> None:
        """Change keys of its configuration, and wait until they are in effect."""
        self.config = self.config | changes
        self._file.write_text(yaml.safe_dump(self.config))
        self.process.send(1)
        self.process.wait_for("READY=1")


def configuration(
    pair: Path, port: int, cameras: int = 1, threads: int | None = None
) -> dict[str, Any]:
    """
    Return that of a gate with a page, and its defaults.

    Args:
        pair: Its engine pair.
        port: Of its cameras on this machine.
        cameras: How many; their names are street-0, street-1, …
        threads: Of both networks; None leaves them as the gate has them by default.
    """
    few = {} if threads is None else {"threads": threads}
    uri = f"http://127.0.0.1:{port}/"
    return {
        "pair": str(pair.resolve()),
        **few,
        "detector": few,
        "tracks": {"gap": "300ms", "duplicate_above": 1},
        "page": {"listen": f"127.0.0.1:{free_port()}"},
        "sources": [{"name": f"street-{each}", "uri": uri} for each in range(cameras)],
        "sinks": [{"type": "directory", "path": "faces"}],
        "delivery": {"outbox": {"path": "outbox.sqlite"}},
    }


@contextmanager
def gate(pair: Path, view: View, threads: int | None = None) -> Iterator[Gate]:
    """Start a camera and a gate; see `configuration`."""
    shown(view)
    with tempfile.TemporaryDirectory() as folder, motion_jpeg(camera=street(view)) as port:
        file = Path(folder) / "gate.yaml"
        config = configuration(pair, port, threads=threads)
        file.write_text(yaml.safe_dump(config))
        with RunningGate(file, watchdog_s=60, warm=False) as process:
            process.wait_for("READY=1")
            yield Gate(process, file, config)
