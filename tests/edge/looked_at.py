"""Observations as the worker shows them, and a page that is shown them."""

from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from http.client import HTTPConnection
from pathlib import Path

import cv2
import numpy as np

from edge.config.effective import in_effect
from edge.config.file import read_config
from edge.config.model import Config
from edge.gate.best_shot import Shot
from edge.gate.observation import Observation
from edge.gate.outcome import Outcome, SeenFace
from edge.history.history import History
from edge.monitoring.status import CameraStatus
from edge.page.http_messages import Refusal
from edge.page.page import Gate, Page, Reloaded
from edge.page.state_words import state_document
from edge.samples import Box, Captured, Frame, Pixels, QualityScore, Reason, Verdict
from edge.sources.state import State
from tests.edge.assessments import Given, assessment, face_image, unit_embedding
from tests.edge.statuses import camera_status, gate_status

TOKEN = "correct-horse-battery"
NEEDS_A_TOKEN = ", token: {name: page_token_of_a_test, file: token}"
"""Keys of `page`; the file is there."""
WALL = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
CONFIGURATION = """\
# the shop's two cameras
pair: pairs/default
gate: {threshold: 50}   # of all
page: {listen: "127.0.0.1:0"%s}
sources:
  - {name: door, uri: "rtsp://camera/door"}
  - name: yard   # dark
    uri: rtsp://camera/yard
    gate: {shift_at_most: 0.3}
sinks: [{type: stdout}]
"""


@dataclass(frozen=True)
class Face:
    """One face of a frame: scored, discarded before, or not decided."""

    score: float | None = 80
    track: int = 1
    reason: Reason | None = None
    left: float = 40
    pair_id: str = "a"
    seed: int = 0
    """Faces of the same one, but for 0, are much alike."""
    picture: Pixels | None = None


PEOPLE = (*(Face(score, track) for track, score in enumerate(range(20, 100, 10))), Face(None, 99))
"""Scores from 20 to 90 of eight people, and one who was discarded before."""


def seen(face: Face, threshold: float = 50) -> SeenFace:
    box = Box(face.left, 60, face.left + 60, 130)
    if face.reason is Reason.NOT_BEST:
        return SeenFace(box, face.track, None)
    made = assessment(Given(seed=face.seed, shift=None if face.score is None else 0.2))
    if face.score is None:
        reason = face.reason or Reason.TOO_SMALL
    else:
        reason = Reason.FORWARDED if face.score >= threshold else Reason.LOW_QUALITY
    quality = None if face.score is None else QualityScore(0.2, 0.9, face.score)
    verdict = Verdict(forward=reason is Reason.FORWARDED, reason=reason)
    shown = None if quality is None else face_image(face.seed)
    decided = replace(
        made,
        quality=quality,
        verdict=verdict,
        face_image=shown if face.picture is None else face.picture,
        embedding=None if quality is None else unit_embedding(face.seed or 1000 + face.track),
        pair_id=face.pair_id,
        detail=f"as a test says: {reason.value}",
    )
    return SeenFace(box, face.track, decided)


def captured(number: int = 0) -> Captured:
    pixels = np.full((240, 320, 3), (90, 60, 30), np.uint8)
    cv2.rectangle(pixels, (20 + number % 200, 50), (110 + number % 200, 140), (150, 170, 220), -1)
    return Captured(Frame(pixels, "door", number, None), 0.0, WALL, clock_synced=True)


def observation(
    faces: Sequence[Face] = (), camera: str = "door", number: int = 0, forwarded: bool = True
) -> Observation:
    """Return what one frame led to; each face that passes is sent at once."""
    shown = tuple(seen(face) for face in faces)
    frame = captured(number)
    sent = [
        Shot(one.assessment, frame, one.track_id)
        for one in shown
        if forwarded and one.assessment is not None and one.assessment.verdict.forward
    ]
    return Observation(camera, frame, Outcome(shown, sent, Counter()))


@dataclass
class LookedAt:
    """A page over a gate that is told what to be."""

    page: Page
    path: Path
    config: Config
    history: History = field(default_factory=History)
    states: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)
    """What is wrong with the picture, by camera."""
    drifts: dict[str, dict[str, object]] = field(default_factory=dict)
    more: dict[str, object] = field(default_factory=dict)
    """Of the status of the gate."""
    counts: Counter[str] = field(default_factory=Counter)
    """Frames by camera."""
    faces: dict[str, Counter[str]] = field(default_factory=dict)
    """By camera and reason."""
    busy: str | None = None
    """Why it cannot say how it is."""
    refuses: str | None = None
    """What the gate says when it is asked to read the configuration again."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.page.port}"

    def show(self, shown: Observation) -> None:
        self.counts[shown.camera] += 1
        reasons = self.faces.setdefault(shown.camera, Counter())
        reasons.update(face.verdict.reason.value for face in shown.outcome.assessments)
        self.page.take(shown)
        self.history.observe(shown)

    def reload(self) -> None:
        if self.refuses is None:
            self.config = read_config(self.path).config
            self.history.use(self.config)
        self.page.reloaded = Reloaded(self.page.reloaded.number + 1, self.refuses)

    def state(self) -> dict[str, object]:
        if self.busy is not None:
            raise Refusal(503, self.busy)
        cameras = [self._camera(source.name) for source in self.config.sources]
        return state_document(gate_status(cameras=cameras, **self.more), self.config)

    def _camera(self, name: str) -> CameraStatus:
        source = next(each for each in self.config.sources if each.name == name)
        return camera_status(
            name,
            state=State(self.states.get(name, "streaming")),
            error=self.errors.get(name),
            picture=self.pictures.get(name),
            drift=self.drifts.get(name),
            threshold=in_effect(self.config, source).faces.threshold,
            frames={"looked_at": self.counts[name]},
            faces=dict(self.faces.get(name, {})),
        )

    def ask(self, path, method="GET", body=None, **headers):
        """Ask over HTTP; return the status, the headers and the body."""
        connection = HTTPConnection("127.0.0.1", self.page.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


@contextmanager
def looked_at(folder: Path, keys: str = "", text: str = CONFIGURATION):
    """Serve the page of a configuration in a folder; `keys` go into its section `page`."""
    path = folder / "gate.yaml"
    path.write_text(text % keys)
    (folder / "token").write_text(TOKEN)
    config = read_config(path).config
    gate = LookedAt(Page(config), path, config)
    gate.history.use(config)
    gate.page.start(
        Gate(
            path=path,
            read=lambda path: read_config(path).config,
            reload=gate.reload,
            history=gate.history,
            running=lambda: gate.config,
            state=gate.state,
            monitoring={},
            probes={},
        )
    )
    try:
        yield gate
    finally:
        gate.page.close()
        gate.history.stop()
