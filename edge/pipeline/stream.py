"""One source on its way through the gate: its frames, its camera gate, its books."""

import logging
import secrets
from dataclasses import replace
from datetime import datetime

from edge.config.effective import CameraSettings
from edge.config.model import Source
from edge.config.schedule import is_scheduled
from edge.errors import DetectorError
from edge.gate.batch import Pending, Scored
from edge.gate.best_shot import Shot
from edge.gate.camera_gate import CameraGate
from edge.gate.observation import Observation, Observer
from edge.gate.outcome import Outcome
from edge.pipeline.forwarding import Forwarded, Forwarding, Origin
from edge.pipeline.latency import Latency
from edge.pipeline.ledger import MOST_WAITING, Counts, Ledger
from edge.pipeline.open_networks import Networks
from edge.pipeline.pace import Turn
from edge.samples import Captured
from edge.sources.clock import SourceTime
from edge.sources.live import LiveSource

log = logging.getLogger(__name__)


class Stream:
    """Used by the worker's thread."""

    def __init__(
        self,
        settings: Source,
        source: LiveSource,
        gate: CameraGate,
        observe: Observer,
        before: Ledger | None = None,
    ) -> None:
        """
        Prepare.

        Args:
            settings: Of the source.
            source: Started by somebody else.
            gate: Decides about its faces.
            observe: Is shown what it decided.
            before: The books of an earlier stream of the same source, which go on.
        """
        self.source = source
        self.counts = before.counts if before else Counts()
        self.latency = Latency()
        self._observe = observe
        self.last_sent: tuple[datetime, float | None] | None = None
        """When the face that was forwarded last was seen, and its score; None before the first."""
        self._earlier_frames = before.frames if before else 0
        self._dropped = self._seen_frames = 0
        self.asked = 1.0
        """Looks that it asked for since the one before the newest."""
        self._time = SourceTime(is_live=settings.uri.is_live)
        self.turn = Turn(settings.name, 0.0)
        # Track ids of a stream begin at 1, and those of a file are no secret of this run.
        self._run = secrets.token_hex(4)
        self._origin = Origin(settings.name, self._run) if settings.uri.is_live else None
        self._gate = gate
        self._use(settings)

    def _use(self, settings: Source) -> None:
        self.settings = settings
        interval_s = 1 / settings.max_fps if settings.uri.is_live else 0.0
        self.turn = replace(self.turn, interval_s=interval_s)

    @property
    def decides(self) -> CameraSettings:
        """What is in effect for its faces."""
        return self._gate.settings

    def begin(self, captured: Captured, now_s: float, forwarding: Forwarding) -> Pending | None:
        """
        Find the faces of one frame; None when the frame is not to be looked at.

        Args:
            captured: From `source`.
            now_s: Monotonic seconds.
            forwarding: Where good faces of tracks that end go.

        Raises:
            DetectorError: The detector refused the frame; it is counted.
        """
        status = self.source.status()
        self._count_dropped(status.dropped, late=self.turn.is_late(now_s))
        self.asked = self.turn.asked(now_s, status.frames - self._seen_frames)
        self._seen_frames = status.frames
        self.turn = replace(self.turn, looked_s=now_s)
        if not is_scheduled(self.settings.schedule, _local_time(captured)):
            self.counts.unscheduled += 1
            self.finish(forwarding)
            return None
        if self._time.is_cut(captured):
            self.finish(forwarding)
        try:
            return self._gate.begin(captured, self._time.seen_s(captured))
        except DetectorError:
            self.counts.failed += 1
            raise

    def conclude(self, pending: Pending, scored: Scored, forwarding: Forwarding) -> None:
        """Decide about the faces of a frame that was begun."""
        outcome = self._gate.conclude(pending, scored)
        match outcome.search:
            case "whole":
                self.counts.looked_at += 1
            case "followed":
                self.counts.followed += 1
            case "none":
                self.counts.rested += 1
        self._note(outcome, forwarding, pending.captured)

    def pass_time(self, now_s: float, forwarding: Forwarding) -> None:
        """End the tracks of a camera that gives no frames."""
        if self.settings.uri.is_live:
            self._time.pass_to(now_s)
            self._note(self._gate.pass_time(self._time.last_s), forwarding)

    def finish(self, forwarding: Forwarding) -> None:
        """End all tracks, and forward their best faces."""
        self._note(self._gate.finish(self._time.last_s), forwarding)

    def retune(
        self, settings: Source, networks: Networks, decided: CameraSettings, forwarding: Forwarding
    ) -> None:
        """Go on with other settings; what was kept is forwarded by those it was kept by."""
        last_s = self._time.last_s
        changed = self._gate.change(networks.detector, networks.pair, decided, last_s)
        self._note(changed, forwarding)
        self._use(settings)

    def close(self) -> Ledger:
        """End the source, close the books and return them; after the worker has let go of it."""
        self.source.stop()
        self.counts.unread += max(0, min(self.ledger().waiting, MOST_WAITING))
        return self.ledger()

    def ledger(self) -> Ledger:
        """Return the books; by the worker, or when it has let go of the stream."""
        status = self.source.status()
        self._count_dropped(status.dropped, late=False)
        frames = self._earlier_frames + status.frames
        ages = self.latency.percentiles_ms()
        return Ledger(self.settings.name, frames, self.counts, self._gate.held, ages)

    def _count_dropped(self, dropped: int, *, late: bool) -> None:
        if late:
            self.counts.late += dropped - self._dropped
        else:
            self.counts.replaced += dropped - self._dropped
        self._dropped = dropped

    def _note(
        self, outcome: Outcome, forwarding: Forwarding, captured: Captured | None = None
    ) -> None:
        counts = self.counts
        counts.faces += outcome.faces
        counts.scored += sum(face.quality is not None for face in outcome.assessments)
        counts.spared += sum(face.assessment is None for face in outcome.seen)
        counts.unscorable += outcome.failure is not None
        for reason, faces in outcome.discarded.items():
            counts.discarded[reason.value] += faces
        for shot in outcome.forwarded:
            _log_forwarded(self.settings.name, shot, forwarding.forward(shot, self._origin, counts))
            self.last_sent = (shot.captured.wall, _score(shot))
        seen_s = self._time.last_s
        self._observe(Observation(self.settings.name, captured, outcome, self._run, seen_s))


def _log_forwarded(camera: str, shot: Shot, forwarded: Forwarded) -> None:
    score = _score(shot)
    score = None if score is None else round(score, 1)
    fields = {"source": camera, "score": score, "key": forwarded.key[:16]}
    words = f"{camera}: face of score {score} forwarded to {forwarded.receivers}"
    log.info("%s", words, extra={"fields": fields})


def _score(shot: Shot) -> float | None:
    quality = shot.assessment.quality
    return None if quality is None else quality.score


def _local_time(captured: Captured) -> datetime:
    return captured.wall.astimezone()
