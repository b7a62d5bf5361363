"""What the page asks of a running daemon, and how the gate is doing in words for people."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

from edge.config.model import Config
from edge.monitoring.status import CameraStatus, GateStatus, status_json
from edge.page.http_messages import Refusal, Request, Response, words_response
from edge.page.page import Document, Gate
from edge.pipeline.daemon import Daemon, GateBusyError
from edge.pipeline.telemetry import Telemetry
from edge.sources.state import State

STATE_WORDS = {
    State.STARTING: "starting",
    State.STREAMING: "streaming",
    State.STALLED: "no frames come",
    State.LOST: "lost; connecting again",
    State.DISABLED: "ended",
}
TROUBLE_WORDS = {
    "black": "The picture is black.",
    "damaged": "Pictures come damaged and are left out.",
    "frozen": "The picture is frozen.",
}
Told = TypeVar("Told")
JSON = "application/json"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """How a configuration comes into effect."""

    path: Path
    """Of the file."""
    read: Callable[[Path], Config]
    """Reads and checks it."""
    reload: Callable[[], None]
    """Asks for it to be read again; returns at once."""


def gate_of(daemon: Daemon, telemetry: Telemetry, file: ConfigurationFile) -> Gate:
    """Return what a page asks of a daemon."""
    return Gate(
        path=file.path,
        read=file.read,
        reload=file.reload,
        running=lambda: daemon.config,
        state=lambda: state_document(_asked(telemetry.status), daemon.config),
        monitoring={
            "/metrics": lambda _: Response(200, PROMETHEUS, _asked(telemetry.metrics_text)),
            "/status": lambda _: Response(200, JSON, status_json(_asked(telemetry.status))),
        },
        probes={
            "/livez": partial(_probed, telemetry.not_alive),
            "/readyz": partial(_probed, telemetry.not_ready),
        },
    )


def _asked(read: Callable[[], Told]) -> Told:
    try:
        return read()
    except GateBusyError as error:
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from error


def _probed(why_not: Callable[[], str | None], _request: Request) -> Response:
    words = why_not()
    if words is None:
        return words_response(HTTPStatus.OK, "yes")
    return words_response(HTTPStatus.SERVICE_UNAVAILABLE, f"no: {words}")


def state_document(status: GateStatus, config: Config) -> Document:
    """
    Return what the page shows besides faces and pictures.

    Args:
        status: As programs are told it.
        config: In effect.
    """
    outbox = status.outbox
    known = {source.name for source in config.sources}
    return {
        "login": config.page.token is not None,
        "allow_apply": config.page.allow_apply,
        "overload": status.overload,
        "cameras": [_camera(each) for each in status.cameras if each.name in known],
        "outbox": {
            "waiting": None if outbox is None else outbox.faces,
            "dead": 0 if outbox is None else outbox.dead,
            "oldest_s": 0.0 if outbox is None else outbox.oldest_s,
            "problem": status.outbox_problem,
        },
        "sinks": [
            {"name": sink.name, "delivered": sink.delivered, "error": sink.error}
            for sink in status.sinks
        ],
    }


def _camera(status: CameraStatus) -> Document:
    return {
        "name": status.name,
        "state": status.state.value,
        "words": STATE_WORDS[status.state],
        "error": None if status.state is State.STREAMING else status.error,
        "notices": list(_notices(status)),
        "mode": status.mode,
        "threshold": status.threshold,
        "frames": sum(status.frames.values()),
        "faces": sum(status.faces.values()),
        "forwarded": status.forwarded,
    }


def _notices(status: CameraStatus) -> list[str]:
    """Say what is wrong with a camera that gives frames."""
    found = [TROUBLE_WORDS[status.picture]] if status.picture is not None else []
    drift = status.drift
    if drift is not None and drift.alarm:
        found.append(
            f"Scores have drifted from the tuned footage (PSI {drift.psi:.2f}, "
            f"limit {drift.limit:.2f}): {drift.hint}"
        )
    return found
