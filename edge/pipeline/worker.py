"""
The one thread that owns the detector and the engine pair.

It takes frames of all sources in turns, puts good faces into the outbox, and between two frames
does what other threads ask for, so that nothing it uses is ever changed under its hands.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TypeVar

from edge.errors import DetectorError, EdgeError
from edge.gate.batch import Pending, score_pending
from edge.pipeline.forwarding import Forwarding
from edge.pipeline.pace import Load, Turn, in_order, seconds_until_due
from edge.pipeline.stream import Stream
from edge.samples import Captured
from engines.errors import EnginesError

log = logging.getLogger(__name__)

Result = TypeVar("Result")
IDLE_S = 0.5
"""The longest rest: then tracks of silent cameras are looked after, and the heart beats."""
MOST_FAILURES = 10
"""Frames in a row refused by the detector or the networks: they will not recover by themselves."""


class Worker:
    """Looks at frames until it is stopped, has no source left, or has failed."""

    def __init__(
        self,
        forwarding: Forwarding,
        on_end: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Prepare; streams are added by `call`, also before `start`.

        Args:
            forwarding: Where good faces go.
            on_end: Called by the thread when it ends by itself.
            monotonic: Clock that the frames of cameras are stamped by.
        """
        self.streams: dict[str, Stream] = {}
        self.forwarding = forwarding
        self.load = Load()
        self.together = 1
        """Frames whose faces are scored in one batch; changed by the thread only."""
        self.failure: Exception | None = None
        """Why the thread gave up; None while all is well."""
        self.beat_s = monotonic()
        """Monotonic seconds of the newest sign of life: a frame done, or nothing to do."""
        self._monotonic = monotonic
        self._over_s = self.beat_s
        """Monotonic seconds of the end of the newest look."""
        self._on_end = on_end
        self._failures = 0
        self._asked: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._ending = threading.RLock()
        self._is_over = False
        """Whether nobody answers any more what is asked; under `_ending`."""
        self._arrived = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        """Begin to look at frames."""
        self._thread.start()

    def wake(self) -> None:
        """Say that a frame may have arrived."""
        self._arrived.set()

    def call(self, function: Callable[[], Result]) -> "Future[Result]":
        """
        Let the thread call a function between two frames; return its result to come.

        When the thread has ended, the caller's calls it: nothing can be changed under its hands.
        """
        future: Future[Result] = Future()

        def answer() -> None:
            try:
                future.set_result(function())
            except Exception as error:  # noqa: BLE001 -- it belongs to the one who asked
                future.set_exception(error)

        with self._ending:
            if self._is_over:
                answer()
            else:
                self._asked.put(answer)
        self.wake()
        return future

    def stop(self, timeout_s: float) -> bool:
        """Forward what tracks have kept and end; False when the thread does not answer."""
        self._stopping.set()
        self.wake()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._loop()
            for stream in self.streams.values():
                stream.finish(self.forwarding)
        except Exception as error:
            log.exception("the worker gives up")
            self.failure = error
        with self._ending:
            self._is_over = True
            self._answer_all()
        self._on_end()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._arrived.clear()
            self._answer_all()
            self.beat_s = self._monotonic()
            if self.look(self.beat_s):
                continue
            if self.streams and all(stream.source.ended for stream in self.streams.values()):
                if self.look(self.beat_s):  # the last frame came before the end did
                    continue
                return
            self._pass_time(self.beat_s)
            turns = [stream.turn for stream in self.streams.values()]
            self._arrived.wait(
                min(seconds_until_due(turns, self.load, self.beat_s) or IDLE_S, IDLE_S)
            )

    def _answer_all(self) -> None:
        while True:
            try:
                answer = self._asked.get_nowait()
            except Empty:
                return
            answer()

    def look(self, now_s: float) -> bool:
        """
        Look at one frame of each source that is due; False when there is none.

        By the thread, or instead of it by who has not started it.
        """
        taken = list(self._taken(now_s))
        begun = [
            (stream, pending)
            for stream, captured in taken
            if (pending := self._begin(stream, captured, now_s)) is not None
        ]
        if begun:
            self._conclude(begun)
        if taken:
            self._note_looks(taken, now_s)
        return bool(taken)

    def _taken(self, now_s: float) -> Iterator[tuple[Stream, Captured]]:
        """Take the newest frames, that of the source that has waited longest first."""
        turns = in_order([stream.turn for stream in self.streams.values()], self.load, now_s)
        arrived = ((self.streams[turn.name], self._newest(turn, now_s)) for turn in turns)
        present = ((stream, captured) for stream, captured in arrived if captured is not None)
        return islice(present, self.together)

    def _newest(self, turn: Turn, now_s: float) -> Captured | None:
        """Take the newest frame of a source; None when it is better to wait for the next one."""
        return self.streams[turn.name].source.take(
            lambda captured: turn.is_worth(captured.monotonic_s, now_s, self.load)
        )

    def _begin(self, stream: Stream, captured: Captured, now_s: float) -> Pending | None:
        # Before the look: a picture that comes during it would wait for the next one, and be old.
        stream.source.next_look(stream.turn.next_s(now_s, self.load))
        try:
            return stream.begin(captured, now_s, self.forwarding)
        except DetectorError as error:
            self._count_failure(stream, error)
            return None

    def _conclude(self, begun: Sequence[tuple[Stream, Pending]]) -> None:
        """Score the faces of all frames in one batch, and decide about each frame."""
        scores = score_pending([pending for _, pending in begun])
        for (stream, pending), scored in zip(begun, scores, strict=True):
            stream.conclude(pending, scored, self.forwarding)
            self._count_failure(stream, scored.failure)

    def _count_failure(self, stream: Stream, failure: EdgeError | EnginesError | None) -> None:
        if failure is None:
            self._failures = 0
            return
        self._failures += 1
        log.warning("a frame of %s failed: %s", stream.settings.name, failure)
        if self._failures >= MOST_FAILURES:
            raise failure

    def _note_looks(self, taken: Sequence[tuple[Stream, Captured]], began_s: float) -> None:
        over_s = self._monotonic()
        for stream, captured in taken:
            if stream.settings.uri.is_live:
                stream.latency.add(over_s - captured.monotonic_s)
        asked = sum(stream.asked for stream, _ in taken) / len(taken)
        self._note_load(self.load.looked(asked, over_s - began_s, over_s - self._over_s), over_s)

    def _note_load(self, load: Load, over_s: float) -> None:
        before, self.load, self._over_s = self.load, load, over_s
        if self.load.is_over and not before.is_over:
            log.warning(
                "overloaded: cameras ask for more looks than there is time for; "
                "each is looked at less often, by the same factor"
            )
        if before.is_over and not self.load.is_over:
            log.info("no longer overloaded: looking at each source at its own rate")

    def _pass_time(self, now_s: float) -> None:
        if now_s - self._over_s > IDLE_S:  # cameras that are silent ask for nothing
            self._note_load(self.load.rested(now_s - self._over_s), now_s)
        for stream in self.streams.values():
            if now_s - stream.turn.looked_s > IDLE_S:
                stream.pass_time(now_s, self.forwarding)
