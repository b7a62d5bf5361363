"""Faces and rooms drawn by numbers, for pictures of the page that show nobody."""

from dataclasses import dataclass

import cv2
import numpy as np

from edge.samples import Pixels

SIDE = 112
SKINS = ((190, 205, 236), (150, 180, 222), (110, 145, 196), (70, 100, 150), (50, 70, 110))
HAIRS = ((30, 32, 38), (40, 60, 90), (60, 110, 160), (90, 150, 200), (140, 140, 145))
WALLS = ((168, 172, 170), (150, 160, 172), (178, 170, 158), (140, 150, 140))
SHIRTS = ((120, 90, 60), (70, 80, 150), (80, 120, 90), (150, 150, 155), (60, 60, 70))
_BITS = 4
"""Of the fractions that cv2 draws with."""


@dataclass(frozen=True)
class Look:
    """How somebody is drawn, and how well it was taken."""

    seed: int
    blur: float = 0.0
    """Standard deviation in pixels."""
    light: float = 1.0
    turned: float = 0.0
    """Of the nose to one side, -1 to 1."""


def _at(*numbers: float) -> tuple[int, ...]:
    return tuple(round(number * 2**_BITS) for number in numbers)


def _oval(canvas: Pixels, centre: tuple[float, float], axes: tuple[float, float], colour) -> None:
    cv2.ellipse(canvas, _at(*centre), _at(*axes), 0, 0, 360, colour, -1, cv2.LINE_AA, shift=_BITS)


def drawn_face(look: Look) -> Pixels:
    """Return a (112, 112, 3) uint8 BGR face, the eyes where an aligned face has them."""
    rng = np.random.default_rng(look.seed)
    skin, hair = SKINS[rng.integers(len(SKINS))], HAIRS[rng.integers(len(HAIRS))]
    wall, shirt = WALLS[rng.integers(len(WALLS))], SHIRTS[rng.integers(len(SHIRTS))]
    dark = tuple(round(value * 0.72) for value in skin)
    canvas = np.full((SIDE, SIDE, 3), wall, np.uint8)
    wide, turn = rng.uniform(33, 38), 7 * look.turned
    _oval(canvas, (56, 52 + rng.uniform(-2, 2)), (wide + 7, 54), hair)
    _oval(canvas, (56, 128), (46, 32), shirt)
    cv2.rectangle(canvas, (44, 84), (68, 106), dark, -1)
    _oval(canvas, (56 + turn / 2, 62), (wide, 44), skin)
    _oval(canvas, (56, 18), (wide - 3, rng.uniform(8, 16)), hair)
    for eye in (38.3, 73.5):
        _oval(canvas, (eye + turn, 51.6), (6.2, 3.6), (235, 238, 240))
        _oval(canvas, (eye + turn * 1.2, 51.6), (2.9, 3.1), (45, 55, 70))
        brow = eye + turn
        _oval(canvas, (brow, 42 + rng.uniform(-1, 1)), (8, 1.6), hair)
    _oval(canvas, (56 + turn * 1.8, 68), (5, 4), dark)
    _oval(canvas, (56 + turn, 91), (rng.uniform(9, 14), rng.uniform(1.8, 4)), (90, 90, 170))
    return _taken(canvas, look, rng)


def _taken(canvas: Pixels, look: Look, rng: np.random.Generator) -> Pixels:
    taken = canvas.astype(np.float32)
    if look.blur:
        taken = cv2.GaussianBlur(taken, (0, 0), look.blur)
    shade = np.linspace(1.1, 0.85, canvas.shape[1], dtype=np.float32)[None, :, None]
    noise = rng.normal(0, 3, canvas.shape).astype(np.float32)
    return np.clip(taken * look.light * shade + noise, 0, 255).astype(np.uint8)


def drawn_room(faces: list[tuple[Pixels, int, int, int]], seed: int = 0) -> Pixels:
    """
    Return a (720, 1280, 3) uint8 BGR hall with people in it.

    Args:
        faces: Each with the left and top corner, and the side, that it takes of the picture.
        seed: Of the hall.
    """
    rng = np.random.default_rng(seed)
    room = np.full((720, 1280, 3), WALLS[seed % len(WALLS)], np.uint8)
    cv2.fillPoly(room, [np.array([[0, 720], [1280, 720], [900, 430], [380, 430]])], (104, 110, 116))
    cv2.rectangle(room, (380, 90), (900, 430), (188, 192, 190), -1)
    cv2.rectangle(room, (540, 150), (740, 430), (92, 74, 58), -1)
    cv2.rectangle(room, (60, 120), (260, 360), (214, 196, 170), -1)
    cv2.rectangle(room, (1030, 160), (1210, 380), (120, 146, 128), -1)
    for picture, left, top, side in faces:
        body = SHIRTS[int(rng.integers(len(SHIRTS)))]
        middle = left + side // 2
        cv2.ellipse(
            room,
            (middle, top + round(2.6 * side)),
            (side, round(1.7 * side)),
            0,
            180,
            360,
            body,
            -1,
            cv2.LINE_AA,
        )
        _paste(room, cv2.resize(picture, (side, side)), left, top)
    return cv2.GaussianBlur(room, (0, 0), 0.8)


def _paste(room: Pixels, face: Pixels, left: int, top: int) -> None:
    side = face.shape[0]
    mask = np.zeros((side, side), np.float32)
    cv2.ellipse(mask, (side // 2, side // 2), (round(side * 0.4), side // 2), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), side / 40)[..., None]
    place = room[top : top + side, left : left + side]
    place[:] = (face * mask + place * (1 - mask)).astype(np.uint8)
