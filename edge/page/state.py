"""What the page asks of a running daemon."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

from edge.config.model import Config
from edge.history.history import CameraNow, History
from edge.monitoring.status import status_json
from edge.page.http_messages import Refusal, Request, Response, words_response
from edge.page.page import Gate
from edge.page.state_words import state_document
from edge.pipeline.daemon import Daemon, GateBusyError
from edge.pipeline.telemetry import Telemetry

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


def gate_of(
    daemon: Daemon, telemetry: Telemetry, file: ConfigurationFile, history: History
) -> Gate:
    """Return what a page asks of a daemon."""
    return Gate(
        path=file.path,
        read=file.read,
        reload=file.reload,
        history=history,
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


def states_of(daemon: Daemon) -> dict[str, CameraNow]:
    """Return how each camera is doing."""
    return {each.name: CameraNow(each.state.value, each.error) for each in daemon.sources()}


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
