"""What the page asks about one camera, and its answers."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from edge.config.effective import in_effect
from edge.config.model import Config
from edge.delivery.record import face_record, record_json
from edge.errors import ConfigError
from edge.page.area import Area, area_in, area_of, covered, yaml_of_area
from edge.page.http_messages import Refusal, Request, Response, json_response
from edge.page.memory import CameraMemory, Live
from edge.page.people import Kept, Missed, has_picture
from edge.page.picture import face_jpeg
from edge.page.preview import histogram, preview, reason_words, scored
from edge.page.routes import count_in, posted_json, threshold_in
from edge.page.threshold import ConfigurationFile, Edit, known_source, source_of, yaml_of
from edge.pipeline.forwarding import Origin, capture_of
from edge.tuning.people import floor_of, lost_words

log = logging.getLogger(__name__)

MOST_SHOWN = 24
"""Faces that change sides, for each direction."""
MOST_AT_A_GLANCE = 4
"""Faces of each camera in the list of all of them."""


@dataclass(frozen=True, slots=True)
class CameraPages:
    """Answers by many threads."""

    memory: Callable[[str], CameraMemory]
    """By the name of a camera."""
    running: Callable[[], Config]
    """The configuration in effect."""
    file: ConfigurationFile
    reload: Callable[[], None]
    """Asks for the file to be read again; returns at once."""

    def newest(self) -> dict[str, list[int]]:
        """Return the numbers of the faces forwarded last, newest first, by camera."""
        names = [source.name for source in self.running().sources]
        return {
            name: [kept.face.number for kept in self.memory(name).forwarded()[:MOST_AT_A_GLANCE]]
            for name in names
        }

    def frame(self, name: str, request: Request) -> Response:
        """Return the newest picture as JPEG, and in `X-Frame` what is on it."""
        live = self._known(name).live(count_in(request.argument("after", "0")))
        if live is None:
            return Response(HTTPStatus.NO_CONTENT)
        return Response(200, "image/jpeg", live.jpeg, {"X-Frame": _frame_words(live)})

    def faces(self, name: str, _request: Request) -> Response:
        """Return the faces forwarded last, newest first, and who was missed, the best first."""
        memory = self._known(name)
        return json_response(
            {
                "forwarded": [_sent_words(kept) for kept in memory.forwarded()],
                "missed": [_missed_words(one) for one in memory.missed()],
            }
        )

    def face(self, name: str, request: Request) -> Response:
        """Return the picture of one face as JPEG."""
        return Response(HTTPStatus.OK, "image/jpeg", face_jpeg(self._kept(name, request).picture))

    def record(self, name: str, request: Request) -> Response:
        """Return the record of one face, as it leaves or would have left the device."""
        kept = self._kept(name, request)
        is_live = source_of(self.running(), name).uri.is_live
        capture = capture_of(kept.shot, Origin(name, kept.run)) if is_live else None
        try:
            record = face_record(kept.shot.assessment, capture)
        except ValueError as error:  # a detector's figures, which the gate discarded it for
            raise Refusal(HTTPStatus.CONFLICT, f"this face has no record: {error}") from error
        return Response(HTTPStatus.OK, "application/json", record_json(record))

    def _kept(self, name: str, request: Request) -> Kept:
        memory, person = self._known(name), request.argument("person")
        if person:
            kept = memory.best_of(count_in(person))
        else:
            kept = memory.sent(count_in(request.argument("number")))
        if kept is None:
            raise Refusal(HTTPStatus.GONE, "newer faces have taken the place of this one")
        return kept

    def preview(self, name: str, request: Request) -> Response:
        """Return what another threshold would have done with the faces assessed last."""
        threshold = threshold_in(request.argument("threshold"))
        config = self.running()
        memory = self._known(name)
        faces = memory.assessed()
        found = preview(faces, memory.people(), self._threshold(name), threshold)
        return json_response(
            {
                "threshold": threshold,
                "lost_words": self._lost_words(name, memory, threshold),
                "faces": found.faces,
                "people": found.people,
                "now": asdict(found.now),
                "then": asdict(found.then),
                "gained": [_best_words(kept) for kept in found.gained[:MOST_SHOWN]],
                "gained_count": len(found.gained),
                "lost": [_best_words(kept) for kept in found.lost[:MOST_SHOWN]],
                "lost_count": len(found.lost),
                "unscored": found.unscored,
                "histogram": histogram(faces),
                "yaml": yaml_of(config, name, threshold),
            }
        )

    def change(self, name: str, request: Request) -> Response:
        """Return in words what writing a threshold into the file would change."""
        threshold = threshold_in(request.argument("threshold"))
        self._require_allowed()
        edit = self.file.edit(self.running(), self._existing(name), threshold)
        return json_response({"words": edit.words, "file": str(edit.path)})

    def threshold(self, name: str, request: Request) -> Response:
        """Write a threshold into the file, and ask for it to be read again."""
        self._require_allowed()
        asked = posted_json(request)
        threshold = threshold_in(asked.get("threshold"))
        edit = self.file.edit(self.running(), self._existing(name), threshold)
        what = f"the threshold of {name} to {threshold:g}"
        return self._write(edit, asked.get("words"), what, request)

    def area(self, name: str, _request: Request) -> Response:
        """Return the masks and hours in effect."""
        return json_response(area_of(known_source(self.running(), name)).document())

    def area_preview(self, name: str, request: Request) -> Response:
        """Return what other masks and hours would have done with the faces assessed last."""
        area, memory = _asked_area(request), self._known(name)
        now = area_of(source_of(self.running(), name))
        found = covered(memory.assessed(), now, area)
        people = [kept for kept in memory.people() if kept.face.person in found.masked]
        return json_response(
            {
                "faces": found.faces,
                "masked": [_best_words(kept) for kept in people[:MOST_SHOWN]],
                "masked_count": len(found.masked),
                "unmasked": found.unmasked,
                "outside": found.outside,
                "yaml": yaml_of_area(name, area),
                "changes": list(area.changed(now)),
            }
        )

    def area_change(self, name: str, request: Request) -> Response:
        """Return in words what writing masks and hours into the file would change."""
        self._require_allowed()
        edit = self.file.edit_area(self.running(), self._existing(name), _asked_area(request))
        return json_response({"words": edit.words, "file": str(edit.path)})

    def apply_area(self, name: str, request: Request) -> Response:
        """Write masks and hours into the file, and ask for it to be read again."""
        self._require_allowed()
        asked = dict(posted_json(request))
        words = asked.pop("words", None)
        edit = self.file.edit_area(self.running(), self._existing(name), _area(asked))
        return self._write(edit, words, f"the masks and hours of {name}", request)

    def _write(self, edit: Edit, words: object, what: str, request: Request) -> Response:
        if words != edit.words:
            raise ConfigError(f"meanwhile this would change: {edit.words}; look again")
        edit.write()
        log.warning("the page set %s, asked by %s", what, request.peer)
        self.reload()
        return json_response({"words": edit.words}, HTTPStatus.ACCEPTED)

    def _known(self, name: str) -> CameraMemory:
        return self.memory(self._existing(name))

    def _existing(self, name: str) -> str:
        return known_source(self.running(), name).name

    def _lost_words(self, name: str, memory: CameraMemory, threshold: float) -> str:
        """Say how many people get no face at a threshold; empty before anybody was confirmed."""
        config = self.running()
        best = [score for score, _ in scored(kept.face for kept in memory.confirmed())]
        floor = floor_of(in_effect(config, source_of(config, name)).faces)
        return lost_words(best, threshold, floor) if best else ""

    def _threshold(self, name: str) -> float:
        config = self.running()
        threshold = in_effect(config, source_of(config, name)).faces.threshold
        if threshold is None:
            raise ConfigError("shift_at_most decides here; remove it to use a threshold")
        return threshold

    def _require_allowed(self) -> None:
        if not self.running().page.allow_apply:
            raise Refusal(
                HTTPStatus.FORBIDDEN, "page.allow_apply is false: paste the lines into the file"
            )


def _asked_area(request: Request) -> Area:
    try:
        return _area(json.loads(request.argument("asked", "{}")))
    except (RecursionError, json.JSONDecodeError):
        raise Refusal(HTTPStatus.BAD_REQUEST, "what is asked is no JSON") from None


def _area(document: object) -> Area:
    try:
        return area_in(document)
    except ValueError as error:
        words = str(error).encode("utf-8", "backslashreplace").decode()
        raise Refusal(HTTPStatus.BAD_REQUEST, words) from error


def _frame_words(live: Live) -> str:
    faces: list[list[Any]] = [
        [
            *(round(edge, 4) for edge in (face.left, face.top, face.right, face.bottom)),
            face.kind,
            face.label,
        ]
        for face in live.faces
    ]
    return json.dumps(
        {
            "number": live.number,
            "seen_s": live.seen_s,
            "width": live.width,
            "height": live.height,
            "faces": faces,
        }
    )


def _sent_words(kept: Kept) -> dict[str, Any]:
    return {**_words(kept), "query": f"number={kept.face.number}"}


def _best_words(kept: Kept) -> dict[str, Any]:
    # The best face of somebody may be another one by the time its picture is asked for.
    return {**_words(kept), "query": f"person={kept.face.person}&version={kept.face.number}"}


def _missed_words(one: Missed) -> dict[str, Any]:
    return {**_best_words(one.kept), "alike": one.alike, "hidden": not has_picture(one.kept)}


def _words(kept: Kept) -> dict[str, Any]:
    face = kept.face
    return {
        "number": face.number,
        "seen_s": face.seen_s,
        "score": face.score,
        "reason": reason_words(face.reason),
        "detail": face.detail,
        "person": face.person,
    }
