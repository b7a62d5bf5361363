"""
Keeps one frame source alive for months: opens it, hands over its frames, opens it anew.

Each source has two threads. The *grabber* runs the source's iterator, so that native calls hold up
nothing else. The *keeper* watches it, waits between attempts, and makes all calls to `on_change`. A
native call that does not return cannot be ended from Python: its grabber is abandoned and counted,
and a new one started. When too many are stuck nothing is opened any more, and
`SourceStatus.exhausted` asks for the end of the process, which is the only cure.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from threading import Condition, Thread

from edge.errors import EdgeError, LoginRefusedError, SourceError
from edge.protocols import FrameSource
from edge.samples import Captured, Damaged, Frame, Passed
from edge.sources.decoding.demand import Demand
from edge.sources.health import PictureHealth, glance
from edge.sources.slot import Slot
from edge.sources.state import Announced, CameraState, State
from edge.sources.status import Limits, SourceStatus, Surroundings
from edge.watched_thread import WatchedThread

log = logging.getLogger(__name__)

STOP_S = 5.0


@dataclass(eq=False)
class _Grabber:
    """One opening of the source, in a thread of its own."""

    waiting_since_s: float | None
    """Monotonic seconds since when the source's code runs; None while frames are handed over."""
    has_frames: bool = False
    thread: Thread = field(init=False)


class LiveSource:
    """A frame source that never gives up; safe to use from several threads."""

    def __init__(
        self,
        name: str,
        source: FrameSource,
        limits: Limits,
        around: Surroundings,
        demand: Demand | None = None,
    ) -> None:
        """
        Keep everything; nothing is opened before `start()`.

        Args:
            name: Of the source in the configuration.
            source: Opened anew by each call of its `frames()`, one at a time unless one is stuck.
            limits: How it is treated.
            around: What is told about it.
            demand: What tells `source` which pictures are wanted.
        """
        self._demand = demand or Demand()
        self._name, self._source, self._limits, self._around = name, source, limits, around
        self._slot: Slot[Captured] = Slot(around.arrived)
        # Guards everything below; notified when the keeper has something to look at.
        self._changed = Condition()
        self._camera = CameraState(State.DISABLED, around.monotonic())
        self._announced = Announced()
        self._picture = PictureHealth()
        self._openings = self._frames = self._passed = 0
        self._abandoned = 0
        self._stuck: list[Thread] = []
        self._error: str | None = None
        self._stopping = False
        self._current: _Grabber | None = None
        self._news: deque[SourceStatus] = deque()
        self.keeper = WatchedThread(f"keep-{name}", self._keep)

    def start(self) -> None:
        """Start the threads."""
        self.keeper.start()

    def frames(self) -> Iterator[Captured]:
        """Yield frames as they come; ends with the source."""
        while (captured := self._slot.take_waiting()) is not None:
            yield captured

    def take(self, is_wanted: Callable[[Captured], bool] = lambda _: True) -> Captured | None:
        """Return the newest frame if it is wanted and was not taken yet, None else; never waits."""
        return self._slot.take(is_wanted)

    def next_look(self, due_s: float) -> None:
        """Say from when on, in monotonic seconds, `take` may be called again."""
        self._demand.look_at(due_s)

    @property
    def ended(self) -> bool:
        """Whether no frame will ever arrive again; one may still be waiting to be taken."""
        return self._slot.closed

    def try_again(self) -> None:
        """Open a lost camera now: somebody may have corrected what was wrong."""
        with self._changed:
            self._camera = self._camera.due(self._around.monotonic())
            self._changed.notify_all()

    def stop(self, timeout_s: float = STOP_S) -> None:
        """
        End the source and wait for its threads; safe to call twice.

        Args:
            timeout_s: For each of the two threads; then a native call is left behind.
        """
        with self._changed:
            self._stopping = True
            self.keeper.stop()
            grabber = self._current
            self._changed.notify_all()
        self._slot.close()
        self.keeper.join(timeout_s)
        if grabber is not None:
            grabber.thread.join(timeout_s)

    def status(self) -> SourceStatus:
        """Return what is known now."""
        with self._changed:
            return self._status()

    def _status(self) -> SourceStatus:
        stuck = sum(thread.is_alive() for thread in self._stuck)
        return SourceStatus(
            name=self._name,
            camera=self._camera,
            announced=self._announced,
            picture=self._picture,
            openings=self._openings,
            frames=self._frames,
            dropped=self._slot.dropped + self._passed,
            abandoned=self._abandoned,
            stuck=stuck,
            exhausted=stuck >= self._limits.stuck_limit,
            error=self._error,
        )

    # The keeper's thread.

    def _keep(self) -> None:
        while not self._stopping:
            self._open()
            self._watch()
            self._rest()
        with self._changed:
            self._become(self._camera.disabled(self._around.monotonic()))
        self._slot.close()
        self._tell()

    def _open(self) -> None:
        now_s = self._around.monotonic()
        grabber = _Grabber(waiting_since_s=now_s)
        with self._changed:
            self._openings += 1
            self._picture = self._picture.reopened()
            self._become(self._camera.opening(now_s))
            name = f"grab-{self._name}-{self._openings}"
            grabber.thread = Thread(target=self._grab, args=(grabber,), name=name, daemon=True)
            grabber.thread.start()
            self._current = grabber

    def _watch(self) -> None:
        """Return when the grabber has ended or was abandoned, or the source is being stopped."""
        while self._pause(lambda: self._current is None):
            with self._changed:
                self._look_at(self._current, self._around.monotonic())

    def _look_at(self, grabber: _Grabber | None, now_s: float) -> None:
        if grabber is None or grabber.waiting_since_s is None:
            return
        waiting_s = now_s - grabber.waiting_since_s
        limit_s = self._limits.read_stuck_s if grabber.has_frames else self._limits.open_stuck_s
        if waiting_s >= limit_s:
            self._abandoned += 1
            self._stuck = [*filter(Thread.is_alive, self._stuck), grabber.thread]
            self._end(f"a native call has not returned for {waiting_s:.0f} s; it is abandoned")
        elif waiting_s >= self._limits.patience.stalled_after_s:
            self._become(self._camera.quiet(now_s))

    def _rest(self) -> None:
        """Return when the source may be opened again; never when too many calls are stuck."""
        while self._pause(self._is_rested):
            pass

    def _is_rested(self) -> bool:
        retry_at_s = self._camera.retry_at_s
        is_due = retry_at_s is None or self._around.monotonic() >= retry_at_s
        return is_due and not self._status().exhausted

    def _pause(self, is_over: Callable[[], bool]) -> bool:
        """Wait a moment and tell what is new; return whether to go on waiting."""
        self.keeper.beat()
        with self._changed:
            over = is_over()
            if not over and not self._stopping and not self._news:
                self._changed.wait(self._limits.check_every_s)
            self._become(self._camera)  # time alone may bring an announcement
        self._tell()
        return not (over or self._stopping)

    def _tell(self) -> None:
        while self._news:
            self._around.on_change(self._news.popleft())

    # Both threads, with the lock.

    def _become(self, camera: CameraState) -> None:
        now_s, after_s = self._around.monotonic(), self._limits.patience.announce_after_s
        announced = self._announced.next(camera.state, now_s, after_s)
        known = self._camera.state, self._announced.availability
        self._camera, self._announced = camera, announced
        if (camera.state, announced.availability) != known:
            self._publish()

    def _publish(self) -> None:
        self._news.append(self._status())
        self._changed.notify_all()

    def _end(self, error: str | None, *, login_refused: bool = False) -> None:
        """Forget the grabber: its source has ended, failed or is given up."""
        self._current = None
        if not self._limits.is_live:
            self._stopping = True
        self._error = error or self._error
        now_s, patience = self._around.monotonic(), self._limits.patience
        if error is not None:
            chance = self._around.chance()
            lost = self._camera.failed(now_s, patience, chance, login_refused=login_refused)
            if login_refused and lost.retry_at_s is not None:
                self._error = error + _next_login(lost.retry_at_s - now_s)
            self._become(lost)
        self._changed.notify_all()

    # The grabber's thread.

    def _grab(self, grabber: _Grabber) -> None:
        error, login_refused = None, False
        try:
            for frame in self._source.frames():
                if not self._take(grabber, frame):
                    return
            if self._limits.is_live:
                error = "the source has ended"
        except EdgeError as caught:
            error, login_refused = str(caught), isinstance(caught, LoginRefusedError)
        except Exception as caught:
            log.exception("source %s failed in a way nobody foresaw", self._name)
            error = f"{type(caught).__name__} in the source; the log has the details"
        with self._changed:
            if grabber is self._current:
                self._end(error, login_refused=login_refused)

    def _take(self, grabber: _Grabber, frame: Frame | Damaged | Passed) -> bool:
        if isinstance(frame, Damaged):
            return self._leave_out(grabber)
        if isinstance(frame, Passed):
            return self._pass(grabber)
        return self._hand_over(grabber, frame)

    def _leave_out(self, grabber: _Grabber) -> bool:
        """Count a damaged picture; return whether more is wanted."""
        now_s = self._around.monotonic()
        with self._changed:
            if grabber is not self._current or self._stopping:
                return False
            # The camera is there, also when nothing whole comes up to the next key frame.
            grabber.waiting_since_s = now_s
            before = self._told_of_picture()
            self._picture = self._picture.left_out(now_s)
            if self._told_of_picture() != before:
                self._publish()
        return True

    def _pass(self, grabber: _Grabber) -> bool:
        """Count a picture that nobody was about to look at; return whether more is wanted."""
        now_s = self._around.monotonic()
        with self._changed:
            if grabber is not self._current or self._stopping:
                return False
            grabber.has_frames, grabber.waiting_since_s = True, now_s
            self._frames += 1
            self._passed += 1
            self._become(self._camera.frame(now_s, self._limits.patience))
        return True

    def _hand_over(self, grabber: _Grabber, frame: Frame) -> bool:
        """Return whether more is wanted."""
        now_s = self._around.monotonic()
        wall, clock_synced = self._around.wall.now()
        picture = glance(frame.pixels)
        with self._changed:
            if grabber is not self._current or self._stopping:
                return False
            grabber.has_frames, grabber.waiting_since_s = True, None
            numbered = replace(frame, index=self._frames)
            self._frames += 1
            before = self._told_of_picture()
            self._picture = self._picture.seen(picture, now_s)
            self._become(self._camera.frame(now_s, self._limits.patience))
            if self._told_of_picture() != before:
                self._publish()
        self._check_frozen()
        captured = Captured(numbered, now_s, wall, clock_synced)
        put = self._slot.put_latest if self._limits.is_live else self._slot.put_waiting
        wanted = put(captured)
        grabber.waiting_since_s = self._around.monotonic()
        return wanted

    def _told_of_picture(self) -> tuple[object, ...]:
        # Photographs may well be black, or come again in each round.
        trouble = self._picture.trouble if self._limits.is_live else None
        return self._picture.size_changes, trouble

    def _check_frozen(self) -> None:
        limit_s, frozen_s = self._limits.frozen_after_s, self._picture.frozen_for_s
        if limit_s is not None and frozen_s >= limit_s:
            raise SourceError(f"the same pictures came over and over for {frozen_s:.0f} s")


def _next_login(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f". It is tried again in {minutes} min, since cameras lock accounts; at once by a reload"
