"""The scenes: what goes wrong at doors, turnstiles and in corridors, with known truth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from edge.config.effective import CameraSettings
from edge.config.model import GateSettings
from edge.config.tracks import TrackSettings
from edge.protocols import FaceDetector
from edge.samples import Box
from tests.scenes.looks import CLIPS, Person, clip, filmed, look_of, photographed
from tests.scenes.stage import FPS, Actor, Path, Pose, Scene, Shown, StageFrame

JOINED = {**CLIPS, "walk": "two"}
EVERY = 30 // FPS
THRESHOLD = 20.0
"""Quality score that nearly all usable faces reach, and everybody of the scenes."""
SETTINGS = CameraSettings(GateSettings(threshold=THRESHOLD), TrackSettings(), "best_shot")
"""By which the scenes are decided."""


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Six clips of one person each, one after the other: three people at nearly one place."""

    detector: FaceDetector
    name: str = "joined clips"

    @property
    def people(self) -> frozenset[str]:
        """Everybody who is in it."""
        return frozenset(JOINED.values())

    def frames(self) -> Iterator[StageFrame]:
        """Read them, `FPS` frames a second; the face is the one nearest to where heads are."""
        for name in sorted(JOINED):
            box: Box | None = None
            for pixels in clip(name)[::EVERY]:
                look = look_of(pixels, _Upper(self.detector))
                box = look.box if look else box
                shown = (Shown(JOINED[name], box),) if box else ()
                yield StageFrame(pixels, shown)


@dataclass(frozen=True, slots=True)
class _Upper:
    """Finds faces in the upper third only: below it are a skull on a pullover and hands."""

    detector: FaceDetector

    def detect(self, pixels):
        return [face for face in self.detector.detect(pixels) if face.landmarks[2, 1] < 170]


def line(start: tuple[float, Pose], end: tuple[float, Pose]) -> Path:
    """Walk straight from one place to the other; away before and after."""
    (begin_s, first), (end_s, last) = start, end

    def path(time_s: float) -> Pose | None:
        if not begin_s <= time_s < end_s:
            return None
        part = (time_s - begin_s) / (end_s - begin_s)
        return Pose(
            first.x + part * (last.x - first.x),
            first.y + part * (last.y - first.y),
            first.eye_distance + part * (last.eye_distance - first.eye_distance),
        )

    return path


def after_another(*paths: Path) -> Path:
    """Follow whichever path is on."""
    return lambda time_s: next((pose for path in paths if (pose := path(time_s))), None)


def stand(begin_s: float, end_s: float, pose: Pose) -> Path:
    """Stay at one place."""
    return line((begin_s, pose), (end_s, pose))


def crossing(name: str, first: Person, second: Person, seconds: float = 5.0) -> Scene:
    """Two people walk in opposite directions; the second one passes before the first."""
    left, right = Pose(90, 200), Pose(550, 205)
    paths = line((0, left), (seconds, right)), line((0, right), (seconds, left))
    return Scene(name, seconds + 0.5, [Actor(first, paths[0]), Actor(second, paths[1])])


def passing(name: str, standing: Person, walking: Person) -> Scene:
    """Somebody stands, and somebody else passes close before them."""
    behind, walks = Pose(320, 200, 30), line((1, Pose(90, 210, 36)), (5, Pose(550, 210, 36)))
    return Scene(name, 6.5, [Actor(standing, stand(0, 6, behind)), Actor(walking, walks)])


def turnstile(name: str, people: Sequence[Person]) -> Scene:
    """One after the other at the same place, 1.6 s each, 0.4 s between them."""
    place = Pose(320, 220, 34)
    actors = [Actor(each, stand(2.0 * n, 2.0 * n + 1.6, place)) for n, each in enumerate(people)]
    return Scene(name, 2.0 * len(people) + 1.5, actors)


def queue(name: str, people: Sequence[Person]) -> Scene:
    """A row comes forward; the next one stands half behind the one before, who leaves."""

    def place(rank: float) -> Pose:
        return Pose(180 + 85 * rank, 260 - 25 * rank, 36 - 3 * rank)

    def path(number: int) -> Path:
        steps = [
            line((2.0 * step, place(number - step)), (2.0 * step + 2, place(number - step - 0.4)))
            for step in range(number + 1)
        ]
        leaves = 2.0 * (number + 1)
        out = line((leaves, place(-0.4)), (leaves + 0.8, Pose(60, 330, 40)))
        return after_another(*steps, out)

    seconds = 2.0 * len(people) + 2
    actors = [Actor(each, path(number)) for number, each in enumerate(people)]
    return Scene(name, seconds, actors[::-1])


def returning(name: str, people: Sequence[Person]) -> Scene:
    """Each stands 2 s, is away for longer than a track lasts, and comes back elsewhere."""

    def path(number: int) -> Path:
        begin_s, pose = 1.0 * number, Pose(130 + 170 * number, 200 + 20 * number, 34)
        again = replace(pose, x=pose.x + 40, y=pose.y + 30)
        return after_another(
            stand(begin_s, begin_s + 2, pose), stand(begin_s + 6, begin_s + 8.5, again)
        )

    return Scene(name, 12.5, [Actor(each, path(number)) for number, each in enumerate(people)])


def twins(name: str, person: Person) -> Scene:
    """One photograph twice, side by side: nothing but their places tells them apart."""
    one = replace(person, looks=person.looks[:1])
    left, right = (
        line((0, Pose(150, 180)), (5, Pose(200, 260))),
        line((1, Pose(450, 200)), (6, Pose(400, 260))),
    )
    return Scene(name, 7.5, [Actor(one, left, "left"), Actor(one, right, "right")])


def scripts(detector: FaceDetector) -> list[Joined | Scene]:
    """Return all scenes."""
    first, second, third = (filmed(name, detector) for name in ("again", "book", "sister"))
    people = photographed(26, detector)
    return [
        Joined(detector),
        crossing("crossing, clips", first, second),
        *(crossing(f"crossing {n + 1}", people[2 * n], people[2 * n + 1]) for n in range(4)),
        crossing("crossing, quick", people[8], people[9], 2.5),
        passing("passing, clips", third, second),
        passing("passing", people[10], people[11]),
        turnstile("turnstile", people[12:20]),
        queue("queue", people[20:25]),
        returning("returning", people[:3]),
        twins("twins", people[25]),
    ]
