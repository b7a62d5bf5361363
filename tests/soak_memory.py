"""How the resident memory of a gate went, as numbers and as a picture."""

import csv
import threading
import time
from contextlib import suppress
from pathlib import Path

from matplotlib.figure import Figure

from tests.processes import descendants
from tests.soak_scene import Scene, process_mb

SAMPLE_S = 0.5
Row = tuple[float, float, float, str]
"""Seconds, MB of the gate, MB of the processes that read its cameras, what was broken last."""


class MemoryCurve:
    """Looks twice a second, in a thread of its own."""

    fault = "start"
    """What was broken last."""

    def __init__(self, scene: Scene) -> None:
        """Begin to look."""
        self._scene, self._ended = scene, threading.Event()
        self._rows: list[Row] = []
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        began_s = time.monotonic()
        while not self._ended.wait(SAMPLE_S):
            # Between two lives there is none to look at.
            with suppress(OSError, ValueError):
                assert self._scene.gate is not None
                pid = self._scene.gate.process.pid
                at_s = time.monotonic() - began_s
                cameras_mb = sum(map(process_mb, descendants(pid)))
                self._rows.append((at_s, process_mb(pid), cameras_mb, self.fault))

    def end(self, folder: Path | None) -> None:
        """Stop looking; leave `rss.csv` and `rss.png` in a folder, and print the highest."""
        self._ended.set()
        self._thread.join()
        gate_mb, cameras_mb = (max(row[place] for row in self._rows) for place in (1, 2))
        print(f"highest RSS: gate {gate_mb:.0f} MB, its cameras' processes {cameras_mb:.0f} MB")
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / "rss.csv", self._rows)
            _draw(folder / "rss.png", self._rows)


def _write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("seconds", "gate_mb", "cameras_mb", "fault"))
        table.writerows((*(f"{number:.1f}" for number in row[:3]), row[3]) for row in rows)


def _draw(path: Path, rows: list[Row]) -> None:
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    for place, label in ((1, "gate"), (2, "processes of its cameras, together")):
        axes.plot([row[0] for row in rows], [row[place] for row in rows], label=label, linewidth=1)
    axes.legend()
    before = ""
    for at_s, _, _, fault in rows:
        if fault != before:
            axes.axvline(at_s, color="0.85", linewidth=0.8, zorder=0)
            before = fault
    axes.set(xlabel="seconds", ylabel="resident memory, MB", ylim=(0, None))
    figure.savefig(path, dpi=100)
