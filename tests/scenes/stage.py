"""Scenes with known truth: people who walk, stand, hide each other and come back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.samples import Box, Pixels
from tests.scenes.looks import Look, Person

FPS = 10
SIZE = (480, 640)
HIDDEN = 0.5
"""Share of a face's box that others cover from which on nobody can be expected to see it."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a head is."""

    x: float
    """Pixels from the left, midway between eyes and mouth."""
    y: float
    eye_distance: float = 32.0


Path = Callable[[float], Pose | None]
"""From the time in seconds to the place; None while the person is away."""


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """Somebody on the stage; those who come later in the list stand before the others."""

    person: Person
    path: Path
    name: str = ""
    """Who this is; the person's name unless given, as for twins."""

    @property
    def who(self) -> str:
        """The truth."""
        return self.name or self.person.name


@dataclass(frozen=True, slots=True)
class Shown:
    """The truth about one face of one frame."""

    who: str
    box: Box


@dataclass(frozen=True, slots=True, eq=False)
class StageFrame:
    """A picture, and who is to be seen in it."""

    pixels: Pixels
    shown: tuple[Shown, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A short film."""

    name: str
    seconds: float
    actors: Sequence[Actor]

    @property
    def people(self) -> frozenset[str]:
        """Everybody who is in it."""
        return frozenset(actor.who for actor in self.actors)

    def frames(self) -> Iterator[StageFrame]:
        """Draw it, `FPS` frames a second; always the same."""
        random = np.random.default_rng(len(self.name))
        for index in range(round(self.seconds * FPS)):
            yield self._frame(index / FPS, random)

    def _frame(self, time_s: float, random: np.random.Generator) -> StageFrame:
        canvas = _room()
        here: list[tuple[str, Box, NDArray[np.float32]]] = []
        for number, actor in enumerate(self.actors):
            pose = actor.path(time_s)
            if pose is not None:
                look = actor.person.look(time_s)
                matrix = _placing(look, pose, time_s + number)
                alpha = _drawn(canvas, look, matrix, 1 + 0.05 * np.sin(2 * time_s + number))
                here.append((actor.who, _moved(look.box, matrix), alpha))
        noisy = canvas + random.normal(0, 2, canvas.shape)
        pixels = np.clip(noisy, 0, 255).astype(np.uint8)
        return StageFrame(pixels, tuple(_visible(here)))


def _room() -> NDArray[np.float32]:
    height, width = SIZE
    shade = np.linspace(190, 120, height, dtype=np.float32)[:, None, None]
    return np.broadcast_to(shade, (height, width, 3)).copy()


def _placing(look: Look, pose: Pose, phase: float) -> NDArray[np.float64]:
    """Return the (2, 3) matrix that puts a look where it belongs, swaying a little."""
    angle, scale = 3 * np.sin(2.2 * phase), pose.eye_distance / look.eye_distance
    matrix = cv2.getRotationMatrix2D(look.centre, float(angle), scale)
    matrix[:, 2] += np.array([pose.x, pose.y + 2 * np.sin(5 * phase)]) - look.centre
    return matrix.astype(np.float64)


def _drawn(
    canvas: NDArray[np.float32], look: Look, matrix: NDArray[np.float64], light: float
) -> NDArray[np.float32]:
    size = (canvas.shape[1], canvas.shape[0])
    alpha = cv2.warpAffine(look.alpha, matrix, size).astype(np.float32)
    head = cv2.warpAffine(look.pixels, matrix, size, flags=cv2.INTER_AREA).astype(np.float32)
    canvas += alpha[..., None] * (head * light - canvas)
    return alpha


def _moved(box: Box, matrix: NDArray[np.float64]) -> Box:
    centre = np.array([(box.left + box.right) / 2, (box.top + box.bottom) / 2, 1.0])
    x, y = (float(value) for value in matrix @ centre)
    scale = float(np.hypot(*matrix[:, 0]))
    across, down = scale * box.width / 2, scale * box.height / 2
    return Box(x - across, y - down, x + across, y + down)


def _visible(here: Sequence[tuple[str, Box, NDArray[np.float32]]]) -> Iterator[Shown]:
    for place, (who, box, _) in enumerate(here):
        covers = [alpha for _, _, alpha in here[place + 1 :]]
        if _inside(box) and _covered(box, covers) < HIDDEN:
            yield Shown(who, box)


def _inside(box: Box) -> bool:
    height, width = SIZE
    return box.left >= 0 and box.top >= 0 and box.right <= width and box.bottom <= height


def _covered(box: Box, covers: Sequence[NDArray[np.float32]]) -> float:
    if not covers:
        return 0.0
    rows, columns = slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right))
    return float(np.max([cover[rows, columns] for cover in covers], axis=0).mean())
