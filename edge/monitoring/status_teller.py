"""A thread that tells the brokers of the configuration how the gate is."""

import logging
import threading
from collections.abc import Callable
from typing import Protocol, TypeAlias

from edge.config.delivery import MqttSinkSettings
from edge.config.model import Config
from edge.errors import EdgeError, SinkError
from edge.monitoring.status import GateStatus, Obeys, busy_status
from edge.watched_thread import WatchedThread

log = logging.getLogger(__name__)

Read: TypeAlias = Callable[[], GateStatus]
LOOK_EVERY_S = 5.0
"""How soon a change is told; reading the books costs the worker a few milliseconds."""


class _Line(Protocol):
    def tell(self, status: GateStatus) -> bool: ...
    def close(self) -> None: ...


class StatusTeller:
    """Started by the supervisor; a broker that is away is tried again for ever."""

    def __init__(self, read: Read) -> None:
        """
        Prepare.

        Args:
            read: Returns the status; may raise an EdgeError while the gate is busy.
        """
        self._read = read
        self.follow: Callable[[MqttSinkSettings], Obeys] | None = None
        """Returns who takes orders from a broker that may give them; None takes none."""
        self._wanted: tuple[MqttSinkSettings, ...] = ()
        self._lines: dict[MqttSinkSettings, _Line] = {}
        self._failing: set[MqttSinkSettings] = set()
        self._is_busy = False
        self._wake = threading.Event()
        self.thread = WatchedThread("status", self._run)

    def use(self, config: Config) -> None:
        """Tell the brokers of this configuration from now on; starts the thread when needed."""
        self._wanted = tuple(
            sink for sink in config.sinks if isinstance(sink, MqttSinkSettings) and sink.status
        )
        if self._wanted and not self.thread.started:
            self.thread.start()
        self._wake.set()

    def wake(self) -> None:
        """Look at once; may be called by any thread."""
        self._wake.set()

    def stop(self) -> None:
        """Ask the thread to say goodbye and end; does not wait."""
        self.thread.stop()
        self._wake.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end; a broker that does not answer learns it from the last will."""
        self.thread.join(timeout_s)

    def _run(self) -> None:
        while not self.thread.stopping.is_set():
            self.thread.beat()
            self._wake.clear()
            self._turn()
            self._wake.wait(LOOK_EVERY_S)
        for line in self._lines.values():
            line.close()

    def _turn(self) -> None:
        wanted = self._wanted
        for gone in self._lines.keys() - set(wanted):
            self._lines.pop(gone).close()
        status = self._status() if wanted else None
        for settings in wanted:
            # The worker may have ended while it was asked.
            if status is not None and not self.thread.stopping.is_set():
                self._tell(settings, status)

    def _follower(self, settings: MqttSinkSettings) -> Obeys | None:
        if settings.desired is None or self.follow is None:
            return None
        return self.follow(settings)

    def _status(self) -> GateStatus | None:
        """Return what to tell; nothing at the first time that a slow gate does not answer."""
        try:
            status = self._read()
        except EdgeError as error:
            was_busy, self._is_busy = self._is_busy, True
            return busy_status(str(error)) if was_busy else None
        self._is_busy = False
        return status

    def _tell(self, settings: MqttSinkSettings, status: GateStatus) -> None:
        try:
            if settings not in self._lines:
                self._lines[settings] = _open_line(settings, self._follower(settings))
            self._lines[settings].tell(status)
        except SinkError as error:
            if settings not in self._failing:
                log.warning("the status of the gate is not told: %s", error)
            self._failing.add(settings)
        else:
            self._failing.discard(settings)


def _open_line(settings: MqttSinkSettings, obeys: Obeys | None) -> _Line:
    from edge.monitoring.status_mqtt import MqttStatus  # noqa: PLC0415 -- it brings paho

    return MqttStatus(settings, obeys=obeys)
