"""Makes the pictures of a tune report and a contact sheet in docs/pictures, of drawn people."""

import argparse
import io
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from PIL import Image

from edge.footage.faces import Observed, ObservedFace
from edge.reports.contact_sheet import contact_sheet
from edge.samples import Assessment, Reason
from edge.tuning.outcome import Tuning, footage_of
from edge.tuning.report import report
from edge.tuning.steps import Goal, steps_of
from edge.tuning.threshold import suggest
from tests.edge.chromium import Tab, chromium
from tests.edge.drawn_faces import Look, drawn_face
from tests.edge.page_pictures import COLOURS, Walk, observed

PEOPLE, LOOKS = 40, 12
ON_SHEET = 30
GOAL = Goal("forward_rate", 0.3)


def tuning() -> Tuning:
    """Return what `tune` knows after a minute of drawn people."""
    rng = np.random.default_rng(11)
    faces = [each for person in range(PEOPLE) for each in _looks(person, rng)]
    found = Observed(faces, frames=1500, video_s=60.0, confirmed=frozenset(range(PEOPLE)))
    footage = footage_of(found)
    known = Tuning(
        "entrance", "gate.threshold", found, 50.0, None, steps_of(footage, GOAL), "p", ()
    )
    return replace(known, goal=GOAL, suggestion=suggest(footage, GOAL, rng))


def _looks(person: int, rng: np.random.Generator) -> list[ObservedFace]:
    usual = rng.normal(56, 16)
    scores = np.clip(rng.normal(usual, 8, LOOKS), 3, 97)
    times = 1.4 * person + np.arange(LOOKS) / 10
    return [
        _face(person, float(score), float(time_s))
        for score, time_s in zip(scores, times, strict=True)
    ]


def _face(person: int, score: float, time_s: float) -> ObservedFace:
    look = Look(person, blur=max(0.0, (60 - score) / 14), light=0.55 + 0.45 * min(1.0, score / 60))
    picture = cv2.imencode(".jpg", drawn_face(look))[1].tobytes()
    reason = Reason.FORWARDED if score >= 50 else Reason.LOW_QUALITY
    place = f"{time_s:.2f} s #0"
    return ObservedFace("entrance.mp4", place, time_s, person, score, reason, "drawn", picture)


def sheet() -> list[Assessment]:
    """Return the faces of a contact sheet."""
    rng = np.random.default_rng(3)
    walks = [Walk("door", person, float(rng.uniform(5, 96))) for person in range(ON_SHEET)]
    shown = [observed(walk).outcome.seen[0].assessment for walk in walks]
    return [_as_its_score(each) for each in shown if each is not None]


def _as_its_score(face: Assessment) -> Assessment:
    """Return a face whose shift falls as its score rises: sheets are in the order of shifts."""
    assert face.quality is not None
    return replace(face, quality=replace(face.quality, shift=2 - face.quality.score / 50))


def _save(picture: Image.Image, path: Path) -> None:
    picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/pictures"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    _save(Image.fromarray(contact_sheet(sheet())[:, :, ::-1]), folder / "contact-sheet.png")
    with (
        TemporaryDirectory() as work,
        chromium(Path(work) / "chromium") as browser,
        closing(Tab(browser)) as tab,
    ):
        written, taken = Path(work) / "report.html", Path(work) / "report.png"
        written.write_text(report(tuning()), encoding="utf-8")
        tab.size(1280, 1500)
        tab.open(written.as_uri())
        tab.screenshot(taken, whole=False)
        _save(Image.open(io.BytesIO(taken.read_bytes())), folder / "tune-report.png")


if __name__ == "__main__":
    main()
