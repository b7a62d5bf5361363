"""What the page asks about the past, and what people tell it about faces."""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from edge.config.model import Config
from edge.history.history import History
from edge.history.tables import (
    HOUR_S,
    KEPT_HOURS,
    MOST_READ,
    Asked,
    Mark,
    amounts_of,
    events_of,
    marks_of,
    put_mark,
    reasons_of,
    remove_mark,
)
from edge.page.http_messages import Refusal, Request, Response, json_response
from edge.page.memory import CameraMemory
from edge.page.people import Kept
from edge.page.routes import count_in, posted_json
from edge.page.threshold import known_source

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HistoryPages:
    """Answers by many threads."""

    history: History
    memory: Callable[[str], CameraMemory]
    """By the name of a camera."""
    running: Callable[[], Config]
    """The configuration in effect."""

    def hours(self, name: str, _request: Request) -> Response:
        """Return a week of counts of one camera, by the hour."""
        known_source(self.running(), name)
        self.history.refresh()
        hour = int(time.time() // HOUR_S)
        with self.history.file.read() as database:
            rows = amounts_of(database, name, hour)
        hours: dict[int, dict[str, Any]] = {}
        for at, kind, what, amount in rows:
            kinds = hours.setdefault(at, {"hour": at, "reason": {}, "score": {}, "state": {}})
            kinds.setdefault(kind, {})[what.replace("_", " ")] = round(amount)
        return json_response(
            {
                "newest": hour,
                "hours": list(hours.values()),
                "kept_hours": KEPT_HOURS,
                "is_kept": self.history.is_kept,
            }
        )

    def events(self, request: Request) -> Response:
        """Return events of all cameras or one, of all reasons or one, newest first."""
        self.history.refresh()
        asked = Asked(
            camera=request.argument("camera"),
            reason=request.argument("reason").replace(" ", "_"),
            before=count_in(request.argument("before", "0")),
        )
        with self.history.file.read() as database:
            events, reasons = events_of(database, asked), reasons_of(database)
        return json_response(
            {
                "events": [
                    asdict(event) | {"reason": event.reason.replace("_", " ")} for event in events
                ],
                "has_more": len(events) == MOST_READ,
                "reasons": [reason.replace("_", " ") for reason in reasons],
            }
        )

    def marks(self, name: str, _request: Request) -> Response:
        """Return which people were marked, by person, and how many faces ever were."""
        known_source(self.running(), name)
        with self.history.file.read() as database:
            marks = marks_of(database, name)
        wanted = {mark.track: mark.wanted for mark in marks}
        people = {kept.face.person: wanted.get(track_of(kept)) for kept in self._faces(name)}
        return json_response(
            {
                "is_kept": self.history.is_kept,
                "people": {
                    str(person): said for person, said in people.items() if said is not None
                },
                "wanted": sum(mark.wanted for mark in marks),
                "unwanted": sum(not mark.wanted for mark in marks),
            }
        )

    def mark(self, name: str, request: Request) -> Response:
        """Keep what somebody says about a face: wanted, not wanted, or nothing any more."""
        known_source(self.running(), name)
        asked = posted_json(request)
        wanted = asked.get("wanted")
        if wanted is not None and not isinstance(wanted, bool):
            raise Refusal(HTTPStatus.BAD_REQUEST, "wanted is true, false or null")
        if not self.history.is_kept:
            raise Refusal(
                HTTPStatus.CONFLICT, "name a file as page.history: marks would be lost without one"
            )
        kept = self._face(name, count_in(str(asked.get("person"))))
        self._keep(name, kept, wanted)
        log.info("%s marked a face of %s, asked by %s", track_of(kept), name, request.peer)
        return json_response({"wanted": wanted})

    def _keep(self, name: str, kept: Kept, wanted: bool | None) -> None:
        face = kept.shot.assessment
        with self.history.file.changed() as database:
            if wanted is None:
                remove_mark(database, name, track_of(kept))
            elif face.quality is not None:
                mark = Mark(
                    camera=name,
                    pair_id=face.pair_id,
                    track=track_of(kept),
                    score=face.quality.score,
                    wanted=wanted,
                    wall_s=time.time(),
                )
                put_mark(database, mark)
            else:
                raise Refusal(
                    HTTPStatus.CONFLICT, "this face was not scored: no threshold decides about it"
                )

    def _faces(self, name: str) -> list[Kept]:
        memory = self.memory(name)
        return [*memory.people(), *memory.forwarded()]

    def _face(self, name: str, person: int) -> Kept:
        for kept in self._faces(name):
            if kept.face.person == person:
                return kept
        raise Refusal(HTTPStatus.GONE, "newer faces have taken the place of this one")


def track_of(kept: Kept) -> str:
    """Return what tells a track from all others of its camera, also after a new start."""
    return f"{kept.run}-{kept.shot.track_id}"
