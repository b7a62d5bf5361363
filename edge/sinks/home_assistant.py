"""
What Home Assistant needs to find a camera's faces by itself.

Source: Home Assistant, MQTT discovery: `<prefix>/<component>/<node id>/<object id>/config`.
The face record itself is not offered as attributes: the recorder would keep it, embedding and all.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from edge import __version__
from edge.sinks.mqtt_terms import Message


@dataclass(frozen=True, slots=True)
class Announced:
    """One camera of one device and its topics."""

    device: str
    camera: str
    availability: str
    """Topic with `online` or `offline`."""
    face: str
    """Topic with the JSON records."""
    image: str
    """Topic with the bytes of the last face image."""


def discovery(announced: Announced, prefix: str, media_type: str) -> list[Message]:
    """
    Return the retained messages that announce a quality sensor and an image.

    Args:
        announced: The camera.
        prefix: Home Assistant's discovery prefix.
        media_type: Of the face images.
    """
    sensor = {
        "name": f"{announced.camera} face quality",
        "state_topic": announced.face,
        "value_template": "{{ value_json.score | round(1) }}",
        "state_class": "measurement",
        "icon": "mdi:face-recognition",
    }
    image = {
        "name": f"{announced.camera} last face",
        "image_topic": announced.image,
        "content_type": media_type,
    }
    return [
        _config(announced, f"{prefix}/sensor", "face_quality", sensor),
        _config(announced, f"{prefix}/image", "last_face", image),
    ]


def _config(
    announced: Announced, component: str, entity: str, keys: Mapping[str, object]
) -> Message:
    # Home Assistant allows letters, digits, "_" and "-" only in these two levels.
    node = f"edge-gate-{announced.device}".replace(".", "_")
    entry = f"{announced.camera}-{entity}".replace(".", "_")
    about = {
        "unique_id": f"{node}-{entry}",
        "availability_topic": announced.availability,
        "device": {
            "identifiers": [node],
            "name": f"Face quality gate {announced.device}",
            "manufacturer": "edge-gate",
            "sw_version": __version__,
        },
    }
    payload = json.dumps(dict(keys) | about).encode()
    return Message(f"{component}/{node}/{entry}/config", payload, retain=True)
