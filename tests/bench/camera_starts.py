"""
What the processes of one and more network cameras take: python -m tests.bench.camera_starts

Motion JPEG of 1080p over HTTP on this machine: the memory of the processes, the processor time
until each camera has given its first picture, and that of an opening later.
"""

import os
from collections.abc import Generator
from contextlib import ExitStack, closing
from typing import cast

import numpy as np

from edge.config.source import SourceSettings
from edge.sources.open import frame_source
from tests.bench.camera_process import LEVELS, proportional_mb, sending
from tests.bench.lines import show
from tests.edge.motion_jpeg import motion_jpeg
from tests.processes import all_processor_s, descendants

CAMERAS = (1, 2, 4, 8)
OPENINGS = 10


def opened(address: str) -> Generator[object]:
    """Return a camera that has given its first picture."""
    settings = SourceSettings.model_validate({"name": "door", "uri": address})
    frames = cast("Generator[object]", frame_source(settings, print).frames())
    next(frames)
    return frames


def processes_s() -> float:
    """Return the processor time of what this process has started."""
    return sum(map(all_processor_s, descendants(os.getpid())[:1]))


def row(address: str, cameras: int) -> str:
    """Measure so many at once."""
    with ExitStack() as stack:
        for _ in range(cameras):
            stack.enter_context(closing(opened(address)))
        memory_mb, start_s = sum(map(proportional_mb, descendants(os.getpid()))), processes_s()
        for _ in range(OPENINGS):
            opened(address).close()
        again_ms = 1000 * (processes_s() - start_s) / OPENINGS
    return f"| {cameras} | {memory_mb:.0f} | {start_s:.2f} | {again_ms:.0f} |"


def main() -> None:
    show(
        "| cameras | memory, MB | processor until the first pictures, s | each later opening, ms |"
    )
    show("|---|---|---|---|")
    camera = sending(1920, 1080, np.zeros(LEVELS))
    with motion_jpeg(camera=camera) as port:
        for cameras in CAMERAS:
            if (child := os.fork()) == 0:  # each number with a server of its own
                show(row(f"http://127.0.0.1:{port}/", cameras))
                os._exit(0)
            os.waitpid(child, 0)


if __name__ == "__main__":
    main()
