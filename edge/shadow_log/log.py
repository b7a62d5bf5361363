"""
The shadow log: what the gate decided about each face, whether it left the device or not.

An observer: it looks on in the worker's thread, only notes numbers and the aligned face there, and
leaves the disk to a thread of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edge.config.effective import in_effect
from edge.config.model import Config
from edge.config.tracks import Mode
from edge.gate.observation import Observation
from edge.gate.outcome import SeenFace
from edge.samples import Captured, Pixels, Reason
from edge.shadow_log.conditions import conditions_of
from edge.shadow_log.tables import Kind, LoggedFace
from edge.shadow_log.writer import Noted, ShadowLogWriter
from edge.watched_thread import WatchedThread

NOT_SCORED = "not scored: it could not change what is sent of its track"


@dataclass(frozen=True, slots=True)
class _Use:
    writer: ShadowLogWriter
    watching: Mapping[str, tuple[Mode, str]]
    """Mode and conditions of each camera."""
    pair_id: str


class ShadowLog:
    """Logs as the newest configuration says; not at all when it does not ask for it."""

    def __init__(self) -> None:
        self._use: _Use | None = None

    def use(self, config: Config, pair_id: str) -> None:
        """
        Log by a configuration from now on.

        Args:
            config: Names the file, and the mode of each camera.
            pair_id: Of the engine pair that scores.
        """
        before = self._use
        if config.shadow_log is None:
            self._use = None
        else:
            kept = before is not None and before.writer.settings == config.shadow_log
            writer = before.writer if kept and before else ShadowLogWriter(config.shadow_log)
            self._use = _Use(writer, dict(_watching(config)), pair_id)
        if before is not None and (self._use is None or self._use.writer is not before.writer):
            before.writer.stop()

    def threads(self) -> list[WatchedThread]:
        """Return the one that writes; none when there is nothing to write."""
        use = self._use
        return [] if use is None else [use.writer.thread]

    def observe(self, observation: Observation) -> None:
        """Note what one frame led to."""
        use, captured, outcome = self._use, observation.captured, observation.outcome
        if use is None or (captured is None and not outcome.following):
            return
        watching = use.watching.get(observation.camera)
        if watching is None:  # a camera that a reload is just about to end
            return
        scored_by = (face.pair_id for face in outcome.assessments)
        mode, conditions = watching
        scorer = next(scored_by, use.pair_id)
        kind = Kind(observation.camera, observation.run, mode, scorer, conditions)
        use.writer.put(
            Noted(
                kind,
                observation.seen_s,
                is_still=captured is not None and captured.frame.time_s is None,
                faces=() if captured is None else list(_faces(captured, observation)),
                ended=outcome.ended,
                following=outcome.following,
                is_frame=captured is not None,
            )
        )

    def stop(self) -> None:
        """Write what is waiting, and close; safe to call twice."""
        use, self._use = self._use, None
        if use is not None:
            use.writer.stop()


def _watching(config: Config) -> Iterator[tuple[str, tuple[Mode, str]]]:
    for source in config.sources:
        found = in_effect(config, source)
        conditions = conditions_of(found, config.detector)
        yield source.name, (found.faces.mode, conditions)


def _faces(
    captured: Captured, observation: Observation
) -> Iterator[tuple[LoggedFace, Pixels | None]]:
    wall_s, pixels = captured.wall.timestamp(), captured.frame.pixels
    for place, seen in enumerate(observation.outcome.seen):
        yield logged_face(seen, place, wall_s, observation.seen_s), seen.shown(pixels)


def logged_face(seen: SeenFace, place: int, wall_s: float, seen_s: float) -> LoggedFace:
    """
    Return what is logged of one face, but for its picture.

    Args:
        seen: The face.
        place: Among the faces of its frame, from 0.
        wall_s: Of its frame, seconds since 1970.
        seen_s: Of its frame, by the camera's own clock.
    """
    face = seen.assessment
    quality = None if face is None else face.quality
    return LoggedFace(
        wall_s=wall_s,
        seen_s=seen_s,
        track=seen.tracklet,
        place=place,
        box=seen.box,
        detector_score=None if face is None else face.face.detector_score,
        inter_eye_distance=None if face is None else face.inter_eye_distance,
        shift=None if quality is None else quality.shift,
        score=None if quality is None else quality.score,
        reason=Reason.NOT_BEST if face is None else face.verdict.reason,
        detail=NOT_SCORED if face is None else face.detail,
        embedding=None if face is None else face.embedding,
        sketch=seen.sketch,
    )
