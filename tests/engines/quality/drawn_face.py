"""A drawn face in a portrait of 250x250 pixels, framed as the faults of `degrade` expect it."""

import cv2
import numpy as np

SIDE = 250
LANDMARKS = np.array([[104, 112], [146, 112], [125, 136], [108, 160], [142, 160]], np.float32)
SKIN = (120, 150, 190)
"""B, G, R."""


def drawn_face(seed=0):
    """Return an evenly lit face with skin's colour, shading and texture on a dim background."""
    rng = np.random.default_rng(seed)
    image = np.full((SIDE, SIDE, 3), 70, np.float64)
    face = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(face, (125, 138), (58, 78), 0, 0, 360, 1, -1)
    image[face == 1] = SKIN
    down = np.linspace(1.15, 0.85, SIDE)[:, None, None]
    features = image * down
    for x, y in LANDMARKS[:2].astype(int):
        cv2.ellipse(features, (int(x), int(y)), (12, 6), 0, 0, 360, (40, 40, 40), -1)
    cv2.ellipse(features, (125, 160), (18, 6), 0, 0, 360, (70, 70, 140), -1)
    cv2.line(features, (125, 116), (125, 136), (100, 125, 160), 3)
    texture = rng.normal(0, 7, (SIDE, SIDE, 1))  # of every scale down to a pixel
    texture += cv2.GaussianBlur(rng.normal(0, 60, (SIDE, SIDE)), (0, 0), 4)[..., None]
    return np.clip(features + texture, 0, 255).astype(np.uint8)
