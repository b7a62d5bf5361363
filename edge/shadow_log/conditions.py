"""
By which settings a camera was watched, and which of them are others now. Pure.

What is decided after the networks is decided again when a log is read: thresholds, tracks, repeats.
What came before them is not: a face that was not sought, or that a pre-check discarded, has neither
score nor embedding in the log, and no other setting brings them back.
"""

import json

from edge.config.effective import InEffect
from edge.config.model import DetectorSettings

DECIDED_AGAIN = frozenset({"threshold", "shift_at_most", "components"})
"""Keys of the gate that matter after the networks only."""
UNKNOWN = ""
"""Of a log of an earlier release, which did not note them."""


def conditions_of(camera: InEffect, detector: DetectorSettings) -> str:
    """
    Return the settings by which a camera's faces are found, in JSON: equal texts, equal settings.

    Args:
        camera: What holds for it: when and how often it is looked at, too.
        detector: Finds its faces.
    """
    faces, geometry = camera.faces, camera.geometry
    pre_checks = faces.gate.model_dump(exclude=set(DECIDED_AGAIN))
    whole = "every" in (faces.tracks.search, faces.mode)
    found = {
        **{f"gate.{key}": value for key, value in pre_checks.items()},
        "tracks.gap": faces.tracks.gap,
        "tracks.search": "every" if whole else "sparing",
        "masks": faces.masks,
        "schedule": [hours.model_dump(mode="json") for hours in camera.schedule],
        "max_fps": camera.max_fps,
        "aspect": geometry.aspect and str(geometry.aspect).replace("/", ":"),
        "rotate": geometry.rotate,
        "mirror": geometry.mirror,
        "deinterlace": geometry.deinterlace,
        "detector.name": detector.name,
        "detector.model": detector.model and str(detector.model),
        "detector.smallest_face": detector.smallest_face,
    }
    return json.dumps(found, sort_keys=True)


def differences(then: str, now: str) -> str:
    """
    Return which settings were others, in words; nothing where none was, or one is unknown.

    Raises:
        ValueError: One of them is no text that `conditions_of` returned.
    """
    if UNKNOWN in (then, now):
        return ""
    before, after = dict(json.loads(then)), dict(json.loads(now))
    keys = [key for key in after if key in before and before[key] != after[key]]
    return ", ".join(_words(key, before[key], after[key]) for key in keys)


def _words(key: str, before: object, after: object) -> str:
    if isinstance(after, list):
        return f"other {key}"
    return f"{key} {_written(before)} (now {_written(after)})"


def _written(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    return "not set" if value is None else value if isinstance(value, str) else json.dumps(value)
