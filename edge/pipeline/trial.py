"""
What a configuration leads to, tried once: a frame of each camera, a test delivery to each sink.

A running gate is not disturbed: brokers see another client, and a folder keeps every face it has.
"""

import os
import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import cast

import numpy as np

from edge import __version__
from edge.config.delivery import (
    DirectorySinkSettings,
    MqttSinkSettings,
    OutboxSettings,
    SinkSettings,
)
from edge.config.model import Config
from edge.config.source import SourceSettings
from edge.delivery.encode import encode_face_image
from edge.delivery.record import (
    SCHEMA_VERSION,
    BoxRecord,
    FaceRecord,
    record_json,
    record_name,
    record_of,
)
from edge.delivery.room import Room, free_bytes
from edge.diagnosis.doctor import Finding
from edge.errors import EdgeError, SourceError
from edge.samples import Damaged, Delivery, Frame, Reason
from edge.sinks.directory import delete_face
from edge.sinks.open import open_sink
from edge.sources.open import frame_source

AT_ONCE = 8
"""Cameras; each network camera has a process."""
TEST_CAMERA = "test"
"""In the records of tests, so that topics of real cameras hold faces only."""
MOST_DAMAGED = 500
"""Pictures of a camera before a whole one."""
EYES_NOSE_MOUTH = ((38.0, 52.0), (74.0, 52.0), (56.0, 72.0), (42.0, 92.0), (71.0, 92.0))
"""Where they would be in a face image; there is none in a test."""


def tried_cameras(sources: Sequence[SourceSettings]) -> Iterator[Finding]:
    """Yield for each source whether it gives a frame, and what to do when it does not."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield from threads.map(_tried_camera, sources)


def one_frame(settings: SourceSettings) -> Frame:
    """
    Return one whole frame of a source.

    Raises:
        SourceError: There is none.
        ConfigError: Its login cannot be read.
    """
    with closing(frames_of(settings)) as frames:
        for frame in frames:
            return frame
    raise SourceError(f"{settings.uri} gives no whole picture")


def frames_of(settings: SourceSettings) -> Generator[Frame, None, None]:
    """
    Yield the whole frames of a source; close it, or take all of them.

    Raises:
        SourceError: There are none, also of a file that cannot be read.
        ConfigError: Its login cannot be read.
    """
    unreadable: list[SourceError] = []
    frames = frame_source(settings, unreadable.append).frames()
    damaged = 0
    with closing(cast("Generator[Frame | Damaged, None, None]", frames)) as left:
        for frame in left:
            if isinstance(frame, Frame):
                yield frame
            elif (damaged := damaged + 1) > MOST_DAMAGED:
                break
    if unreadable:
        raise unreadable[0]


def tried_sinks(config: Config) -> Iterator[Finding]:
    """Yield for each sink whether it takes a delivery, and what to do when it does not."""
    for settings in config.sinks:
        yield _tried_sink(settings, _test_delivery())


def _tried_camera(settings: SourceSettings) -> Finding:
    topic = f"camera {settings.name}" if settings.uri.is_live else f"footage {settings.name}"
    try:
        height, width = one_frame(settings).pixels.shape[:2]
    except EdgeError as error:
        return Finding(topic, "problem", str(error))
    return Finding(topic, "ok", f"{settings.uri}: one frame of {width} x {height} pixels")


def device_findings(sources: Sequence[SourceSettings]) -> Iterator[Finding]:
    """Yield for each camera with a device file whether it is there, and will be after a restart."""
    for source in sources:
        if source.uri.scheme != "v4l2":
            continue
        path, topic = source.uri.path, f"device of {source.name}"
        if not path.exists():
            remedy = "plug it in; see which there are with: ls -l /dev/v4l/by-id"
            yield Finding(topic, "problem", f"{path} is not there", remedy)
        elif not os.access(path, os.R_OK | os.W_OK):
            remedy = "sudo usermod -aG video $USER, and log in anew"
            yield Finding(topic, "problem", f"{path}: this user may not use it", remedy)
        elif path.parent == Path("/dev"):
            text = f"{path}: its number changes with the order of plugging in"
            yield Finding(topic, "note", text, "name it by /dev/v4l/by-id/…")
        else:
            yield Finding(topic, "ok", f"{path} is there")


def outbox_findings(settings: OutboxSettings | None) -> Iterator[Finding]:
    """
    Yield a problem where an outbox was never opened and its disk is too full for it.

    A gate starts all the same, and keeps faces in memory; where nothing was ever written there is
    no room for what it loses at a stop either, so that no later process knows of it.
    """
    if settings is None:
        return
    room, free = Room(settings.path), free_bytes(settings.path)
    if not room.is_held and free < room.bytes:
        text = (
            f"{settings.path}: its disk has {free:,} bytes left, and {room.bytes:,} are kept there "
            "to deliver and to count with: faces would be in memory only, and of those lost at a "
            "stop the log alone would tell"
        )
        yield Finding("outbox", "problem", text, "make room")


def _tried_sink(settings: SinkSettings, delivery: Delivery) -> Finding:
    topic, how = f"sink {settings.name}", _TRIED.get(settings.type, _delivered)
    try:
        return Finding(topic, "ok", how(settings, delivery))
    except EdgeError as error:
        return Finding(topic, "problem", str(error))


def _delivered(settings: SinkSettings, delivery: Delivery) -> str:
    with closing(open_sink(settings)) as sink:
        sink.send(delivery)
    return f"took a test delivery (key {delivery.key}, marked as test)"


def _in_folder(settings: SinkSettings, delivery: Delivery) -> str:
    assert isinstance(settings, DirectorySinkSettings)  # noqa: S101 -- by the table below
    # No face may go for a test.
    _delivered(settings.model_copy(update={"keep_at_most": None, "keep_for": None}), delivery)
    delete_face(settings.path, record_name(record_of(delivery)))
    return f"a test face was written to {settings.path} and deleted again"


def _by_broker(settings: SinkSettings, delivery: Delivery) -> str:
    assert isinstance(settings, MqttSinkSettings)  # noqa: S101 -- by the table below
    # Another client than the gate's, which says nothing of who is online.
    apart = {"name": f"{settings.name}-check", "status": True, "home_assistant": False}
    return _delivered(settings.model_copy(update=apart), delivery)


_TRIED: dict[str, Callable[[SinkSettings, Delivery], str]] = {
    "directory": _in_folder,
    "mqtt": _by_broker,
}


def _test_delivery() -> Delivery:
    """Return a delivery that is marked as a test and shows nobody."""
    side = 112
    shade = np.linspace(60, 200, side, dtype=np.uint8)
    pixels = np.dstack([np.tile(shade, (side, 1))] * 3)
    record = FaceRecord(
        schema_version=SCHEMA_VERSION,
        gate_version=__version__,
        key=secrets.token_hex(16),
        source="edge-gate check --connect",
        path=None,
        frame=0,
        time_s=None,
        camera=TEST_CAMERA,
        captured_at=datetime.now(timezone.utc),
        clock_synced=None,
        track_id=None,
        revision=None,
        face_index=0,
        box=BoxRecord(left=0.0, top=0.0, right=float(side), bottom=float(side)),
        landmarks=EYES_NOSE_MOUTH,
        detector_score=0.0,
        inter_eye_distance=36.0,
        shift=None,
        quality=None,
        score=None,
        verdict="forward",
        reason=Reason.FORWARDED,
        detail="a test delivery of 'edge-gate check --connect'; it shows nobody",
        pair_id="test",
        test=True,
    )
    image = encode_face_image(np.ascontiguousarray(pixels))
    return Delivery(record.key, record_json(record), image, "image/png", 0.0)
