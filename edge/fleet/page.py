"""The page of a fleet, by the same small server as the page of a gate."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Protocol

from edge.config.page import PageSettings
from edge.fleet.gates import HeardGate, fleet_document
from edge.page.http_messages import Request, Response, json_response
from edge.page.page import gatekeeping
from edge.page.routes import (
    HTML,
    SCRIPT,
    STYLE,
    Gatekeeping,
    Get,
    Routes,
    answer,
    static_file,
)
from edge.page.server import Server


class Watched(Protocol):
    """What the page asks of who listens to the broker."""

    problem: str | None

    @property
    def where(self) -> str:
        """The broker, for messages."""

    def gates(self) -> list[HeardGate]:
        """Return what was heard."""

    def nothing_heard(self) -> str:
        """Return what to do where no gate has told its status."""


def fleet_server(watch: Watched, settings: PageSettings) -> Server:
    """
    Take the address of the page; `start` begins to answer.

    Args:
        watch: What the page shows.
        settings: Where it listens, and who may look.

    Raises:
        ConfigError: The address cannot be had, or the token is too short.
    """
    return Server(settings, answering(watch, gatekeeping(settings)))


def answering(watch: Watched, keeping: Gatekeeping) -> Callable[[Request], Response]:
    """Return what answers each request."""
    routes = Routes(
        plain={
            "/": _static("fleet.html", HTML),
            "/fleet.css": _static("fleet.css", STYLE),
            "/fleet.js": _static("fleet.js", SCRIPT),
            "/api/fleet": lambda _: json_response(_document(watch, keeping)),
        },
        open_to_all={},
        of_cameras={},
        orders={},
    )
    return lambda request: answer(request, keeping, routes)


def _document(watch: Watched, keeping: Gatekeeping) -> dict[str, object]:
    shown = fleet_document(watch.gates(), datetime.now(timezone.utc))
    return {
        **shown,
        "broker": watch.where,
        "problem": watch.problem,
        "hint": watch.nothing_heard(),
        "login": keeping.token is not None,
    }


def _static(name: str, media_type: str) -> Get:
    return lambda _: Response(200, media_type, static_file(name, "edge.fleet"))
