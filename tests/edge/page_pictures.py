"""
Makes the pictures of the live page in docs/pictures, of people who are drawn: `make pictures`.

A real page in a real browser, over a gate that is told what it saw.
"""

import argparse
import io
import threading
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from edge.gate.best_shot import Shot
from edge.gate.decision_replay import without_pixels
from edge.gate.observation import Observation
from edge.gate.outcome import Outcome, SeenFace
from edge.history.tables import HOUR_S, Event, add_amounts, add_events
from edge.samples import Box, Captured, Frame, Reason
from tests.edge.chromium import Tab, chromium
from tests.edge.drawn_faces import Look, drawn_face, drawn_room
from tests.edge.looked_at import Face, LookedAt, looked_at, seen
from tests.edge.statuses import gate_status

NAMES = ("entrance", "yard", "loading-dock-north-side", "till-1", "till-2", "stairs", "lift")
CONFIGURATION = (
    "pair: pairs/default\ngate: {threshold: 50}\nsinks: [{type: stdout}]\n"
    'page: {listen: "127.0.0.1:0"%s}\ndelivery: {outbox: {path: outbox.sqlite}}\nsources:\n'
    + "".join(f'  - {{name: {name}, uri: "rtsp://camera/{name}"}}\n' for name in NAMES)
)
KEYS = ", allow_apply: true, history: history.sqlite"
REASONS = {"forwarded": 0.5, "low_quality": 0.9, "too_small": 0.4, "not_best": 2, "pose": 0.2}
COLOURS = 256
SETTLES_S = 1.5
SMALLEST, SIDE = 40, 120


@dataclass(frozen=True)
class Walk:
    """One look at somebody."""

    camera: str
    person: int
    score: float | None
    minutes_ago: float = 0.0


def observed(walk: Walk) -> Observation:
    """Return what the gate tells of it: the face as bad as its score."""
    rng = np.random.default_rng(walk.person)
    score = 0.0 if walk.score is None else walk.score
    look = Look(
        seed=walk.person,
        blur=max(0.0, (60 - score) / 14),
        light=0.55 + 0.45 * min(1.0, score / 60),
        turned=float(rng.uniform(-1, 1)) * (1 - score / 100),
    )
    side = SMALLEST if walk.score is None else SIDE
    left, top = 180 + 75 * (walk.person % 12), 170 + 12 * (walk.person % 7)
    picture = drawn_face(look)
    room = drawn_room([(picture, left, top, side)], seed=len(walk.camera))
    when = datetime.now(timezone.utc) - timedelta(minutes=walk.minutes_ago)
    captured = Captured(Frame(room, walk.camera, 0, None), 0.0, when, clock_synced=True)
    shown = _placed(walk, picture, Box(left, top, left + side, top + side), captured)
    face, light = shown.assessment, without_pixels(captured)
    assert face is not None
    sent = [Shot(replace(face, frame=light.frame), light, walk.person)]
    passes = face.verdict.reason is Reason.FORWARDED
    return Observation(walk.camera, captured, Outcome((shown,), sent if passes else []), "5ad2")


def _placed(walk: Walk, picture: np.ndarray, box: Box, captured: Captured) -> SeenFace:
    face = Face(walk.score, walk.person, picture=None if walk.score is None else picture)
    given = seen(face).assessment
    assert given is not None
    reach = "reaches" if given.verdict.forward else "is below"
    detail = f"score {walk.score:.1f} {reach} the threshold 50" if walk.score else "eyes too close"
    eyes = [(box.left + part * box.width, box.top + 0.46 * box.height) for part in (0.34, 0.66)]
    landmarks = np.array([*eyes, *given.face.landmarks[2:].tolist()], np.float32)
    placed = replace(given.face, box=box, landmarks=landmarks)
    told = replace(given, face=placed, frame=captured.frame, detail=detail)
    apart = replace(told, inter_eye_distance=0.32 * box.width, pair_id="mobilefacenet512-3f21")
    return SeenFace(box, walk.person, apart)


def let_people_walk(gate: LookedAt) -> None:
    """Fill the memory of all cameras, and a week of the first one's history."""
    rng = np.random.default_rng(7)
    for place, name in enumerate(NAMES):
        for person in range(22 if place == 0 else 6):
            score = float(np.clip(rng.normal(54, 19), 4, 97))
            gate.show(observed(Walk(name, 40 * place + person, score, 25 - person)))
        gate.show(observed(Walk(name, 40 * place + 39, None)))
    gate.states |= {"yard": "lost"}
    gate.errors |= {"yard": "10.0.4.17: 401: the login is refused: correct the secret cam_yard"}
    alarm = {"psi": 0.41, "limit": 0.25, "alarm": True, "hint": "lens dirty, focus lost?"}
    gate.drifts |= {"till-1": alarm}
    sink = gate_status().sinks[0].model_dump() | {"waiting": 0}
    late = {"name": "recogniser", "waiting": 12, "oldest_s": 95.0, "last_error": "503: busy"}
    gate.more["sinks"] = [sink | {"name": "archive", "delivered": 18234}, sink | late]
    _remember(gate, rng)


def _remember(gate: LookedAt, rng: np.random.Generator) -> None:
    now_s = datetime.now(timezone.utc).timestamp()
    hour = int(now_s // HOUR_S)
    amounts = {}
    for at in range(hour - 167, hour + 1):
        busy = 60 * max(0.02, np.sin((at % 24 - 5) / 20 * np.pi))
        for reason, share in REASONS.items():
            amounts[NAMES[0], at, "reason", reason] = float(rng.poisson(busy * share))
        for low in range(0, 100, 10):
            many = busy * np.exp(-(((low - 55) / 25) ** 2))
            amounts[NAMES[0], at, "score", str(low)] = float(rng.poisson(many))
        amounts[NAMES[0], at, "state", "streaming"] = 3600.0
    told = (
        ("forwarded", 71.0, "1 face forwarded"),
        ("low_quality", 38.0, "score 38.0 is below the threshold 50"),
        ("too_small", None, "the eyes are 13 pixels apart, 20 are needed"),
    )
    events = [Event(now_s - 70 * n, NAMES[0], *told[n % 3]) for n in range(9, 0, -1)]
    with gate.history.file.changed() as database:
        add_amounts(database, amounts)
        add_events(database, events)


class Pictures:
    """Takes them, one after the other."""

    def __init__(self, tab: Tab, gate: LookedAt, folder: Path) -> None:
        self._tab, self._gate, self._folder = tab, gate, folder

    def open(self, place: str, size: tuple[int, int], *, dark: bool = False) -> None:
        self._tab.size(*size, dark=dark)
        self._tab.open("about:blank")
        self._tab.open(f"{self._gate.address}/{place}")
        self._tab.until("document.querySelectorAll('#cameras li').length > 3")

    def take(self, name: str, *, walks: bool = True) -> None:
        """Write what the window shows, while somebody stands before the camera."""
        for person in (61, 64, 66):
            if walks:
                self._gate.show(observed(Walk(NAMES[0], person, 76)))
            threading.Event().wait(SETTLES_S)
        with TemporaryDirectory() as folder:
            self._tab.screenshot(Path(folder) / "seen.png", whole=False)
            shown = Image.open(io.BytesIO((Path(folder) / "seen.png").read_bytes()))
            shown.convert("RGB").quantize(COLOURS).save(self._folder / name, optimize=True)

    def all(self) -> None:
        tab, wide, narrow = self._tab, (1280, 940), (390, 844)
        self.open("#/entrance", wide)
        tab.until("document.querySelectorAll('.missed .face').length > 4")
        self.take("page-faces.png")
        self.open("#/entrance", wide, dark=True)
        tab.until("document.querySelectorAll('.missed .face').length > 4")
        tab.run("document.querySelector('.missed .face').click()")
        tab.until("document.querySelector('#face pre').textContent.length > 9")
        self.take("page-face.png", walks=False)
        self.open("#/entrance/history", wide)
        tab.until("document.querySelectorAll('.event-list li').length > 5")
        tab.run("[...document.querySelectorAll('.hours button')].at(-1).click()")
        self.take("page-history.png")
        self.open("#/entrance/area", wide, dark=True)
        tab.until("document.querySelector('.area-said').textContent.length > 3")
        tab.run("document.querySelector('.add-mask').click()")
        tab.run("document.querySelector('.add-hours').click()")
        self.take("page-masks.png")
        self.open("", narrow)
        self.take("page-phone.png", walks=False)


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/pictures"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory() as work,
        chromium(Path(work) / "chromium") as browser,
        looked_at(Path(work), KEYS, CONFIGURATION) as gate,
        closing(Tab(browser)) as tab,
    ):
        let_people_walk(gate)
        Pictures(tab, gate, folder).all()


if __name__ == "__main__":
    main()
