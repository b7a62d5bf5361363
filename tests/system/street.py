"""A camera and a receiver that run inside a box, with nothing but the system's Python."""

from pathlib import Path

import cv2
import numpy as np

from tests.edge.photographs import head
from tests.system.box import Box

HERE = Path(__file__).parent
PLACE = "/opt/street"
PEOPLE = ("obama.jpg", "biden.jpg")


def put_street(box: Box) -> None:
    """Put the camera, its pictures and the receiver into a box."""
    place = box.path(PLACE)
    place.mkdir()
    for program in ("camera.py", "receiver.py"):
        (place / program).write_text((HERE / program).read_text())
    for number, picture in enumerate(_walks()):
        (place / f"{number:03}.jpg").write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())


def _walks():
    """Yield frames in which one person after the other walks by, with a pause after each."""
    for person in PEOPLE:
        face = head(person, 45)
        for step in range(14):
            frame = np.full((320, 480, 3), 96, np.uint8)
            if step < 8:
                left = 30 + 20 * step
                frame[60 : 60 + face.shape[0], left : left + face.shape[1]] = face
            yield frame
