"""Files through the gate to the sinks: in order, with progress, nothing lost, always the same."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone

from edge.assess_files import assessments
from edge.best_shot import Shot
from edge.camera_gate import CameraGate, Outcome
from edge.config import Config, Source
from edge.encode import to_delivery
from edge.errors import EdgeError
from edge.open_engines import Engines, open_engines
from edge.protocols import Sink
from edge.reporting import console, counts_words, progress
from edge.samples import Assessment, Captured, Frame, Reason
from edge.settings_delivery import DeliverySettings
from edge.sink import open_sink
from edge.source_file import open_files
from edge.source_time import SourceTime


def run_files(config: Config) -> int:
    """Take every file through the gate and send what it forwards; 1 when some could not be read."""
    shown_on = console()
    problems: list[EdgeError] = []
    with ExitStack() as opened, progress(shown_on) as bars:
        engines = open_engines(config, bars)
        opened.callback(engines.pair.close)
        sinks = [open_sink(settings) for settings in config.sinks]
        for sink in sinks:
            opened.callback(sink.close)
        for source in config.sources:
            run = _FileRun(engines, config, source, sinks)
            files = open_files([source.uri.path], problems.append)
            for _ in assessments(files, run.take, bars, problems.append):
                pass
            run.finish()
            shown_on.print(f"{source.name}: {counts_words(run.counts)}", markup=False)
    for problem in problems:
        shown_on.print(f"failed: {problem}", markup=False, style="red")
    return 1 if problems else 0


class _FileRun:
    """The files of one source."""

    def __init__(
        self, engines: Engines, config: Config, source: Source, sinks: Sequence[Sink]
    ) -> None:
        self.counts: Counter[Reason] = Counter()
        self._gate: CameraGate = engines.camera_gate(config, source)
        self._time = SourceTime(is_live=False)
        self._sinks = sinks
        self._delivery: DeliverySettings = config.delivery

    def take(self, frame: Frame) -> tuple[Assessment, ...]:
        """Take the next frame through the gate."""
        captured = Captured(frame, 0.0, datetime.now(timezone.utc), clock_synced=False)
        if self._time.is_cut(captured):
            self.finish()
        outcome = self._gate.take(captured, self._time.seen_s(captured))
        if outcome.failure is not None:
            raise outcome.failure
        self._note(outcome)
        return outcome.assessments

    def finish(self) -> None:
        """End all tracks."""
        self._note(self._gate.finish(self._time.last_s))

    def _note(self, outcome: Outcome) -> None:
        self.counts += outcome.discarded
        self.counts[Reason.FORWARDED] += len(outcome.forwarded)
        self._send(outcome.forwarded)

    def _send(self, shots: Iterable[Shot]) -> None:
        for shot in shots:
            delivery = to_delivery(
                shot.assessment,
                include_embedding=self._delivery.include_embedding,
                media_type=self._delivery.face_image,
            )
            for sink in self._sinks:
                sink.send(delivery)
