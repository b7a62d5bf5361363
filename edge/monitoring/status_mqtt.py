"""
The state of a gate on a broker, retained, so that who subscribes late knows it too.

Topics and messages stand in docs/protocol.md. A connection of its own: it says "online" before the
first face, and stays while a large face is on its way or a face's delivery is given up.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timezone

from edge.config.credentials import read_secret
from edge.config.delivery import MqttSinkSettings
from edge.errors import ConfigError, SinkError
from edge.monitoring.status import GateStatus, status_json
from edge.sinks.mqtt_session import Message, MqttSession, client_id, device_name


class MqttStatus:
    """Tells one broker; for one thread."""

    def __init__(
        self, settings: MqttSinkSettings, environment: Mapping[str, str] | None = None
    ) -> None:
        """
        Prepare; nothing is connected yet.

        Args:
            settings: Where the broker is.
            environment: Where the password may be; None is the process's.
        """
        self._settings, self._environment = settings, environment
        self._device = device_name(settings)
        self._base = f"{settings.topic}/{self._device}"
        self._session: MqttSession | None = None
        self._told: tuple[object, int] | None = None
        self._told_s = 0.0

    def tell(self, status: GateStatus) -> bool:
        """
        Publish the status if it differs, the broker was away, or it is time; True if so.

        Raises:
            SinkError: The broker is not there, or has not acknowledged in time.
        """
        session = self._open_session()
        now = (essence(status), session.connections)
        if now == self._told and time.monotonic() - self._told_s < self._settings.status_every:
            return False
        about = {"device": self._device, "time": datetime.now(timezone.utc)}
        payload = status_json(status.model_copy(update=about))
        try:
            session.publish(Message(f"{self._base}/status", payload, retain=True))
        except SinkError:
            self._give_up()
            raise
        self._told, self._told_s = now, time.monotonic()
        return True

    def close(self) -> None:
        """Publish `offline` and disconnect; safe to call twice."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _open_session(self) -> MqttSession:
        if self._session is not None and self._session.is_open:
            return self._session
        self._give_up()
        own_id = f"{client_id(self._settings)}-status"
        try:
            self._session = MqttSession(self._settings, own_id, f"{self._base}/available")
            secret = self._settings.password
            self._session.open(None if secret is None else read_secret(secret, self._environment))
        except ConfigError as error:
            raise SinkError(str(error)) from error
        return self._session

    def _give_up(self) -> None:
        if self._session is not None:
            self._session.abandon()
            self._session = None
        self._told = None


def essence(status: GateStatus) -> object:
    """Return what is told at once when it changes; counts and ages wait for their turn."""
    cameras = [
        (
            *(each.name, each.state, each.availability, each.error, each.picture),
            each.drift is not None and each.drift.alarm,
        )
        for each in status.cameras
    ]
    sinks = [(each.name, each.failing) for each in status.sinks]
    running = (status.version, status.pair_id, status.config_hash, status.configuration_is_newest)
    trouble = (status.outbox_problem, status.not_alive, status.not_ready, status.overload is None)
    return running, trouble, cameras, sinks
