"""
The state of a gate on a broker, retained, so that who subscribes late knows it too.

Topics and messages stand in docs/protocol.md. A connection of its own: it says "online" before the
first face, and stays while a large face is on its way or a face's delivery is given up.
"""

import logging
import time
from collections.abc import Mapping
from datetime import datetime, timezone

from edge.config.delivery import MqttSinkSettings
from edge.errors import SinkError
from edge.monitoring.status import DesiredAnswer, GateStatus, Obeys, status_json
from edge.sinks.mqtt_link import BrokerLink
from edge.sinks.mqtt_session import MqttSession
from edge.sinks.mqtt_terms import Message, Subscription, client_id, device_name

log = logging.getLogger(__name__)


class MqttStatus:
    """Tells one broker; for one thread."""

    def __init__(
        self,
        settings: MqttSinkSettings,
        environment: Mapping[str, str] | None = None,
        obeys: Obeys | None = None,
    ) -> None:
        """
        Prepare; nothing is connected yet.

        Args:
            settings: Where the broker is.
            environment: Where the password may be; None is the process's.
            obeys: Takes orders to set thresholds; None hears none.
        """
        self._settings = settings
        self._obeys = obeys
        self._heard_on: MqttSession | None = None
        self._device = device_name(settings)
        self._base = f"{settings.topic}/{self._device}"
        available = f"{self._base}/available"
        self._link = BrokerLink(settings, f"{client_id(settings)}-status", available, environment)
        self._told: tuple[object, ...] | None = None
        self._told_s = 0.0

    def tell(self, status: GateStatus) -> bool:
        """
        Publish the status if it differs, the broker was away, or it is time; True if so.

        Raises:
            SinkError: The broker is not there, or has not acknowledged in time.
        """
        session = self._link.session()
        answer = None if self._obeys is None else self._orders(self._obeys, session)
        now = (essence(status), session, answer)
        if now == self._told and time.monotonic() - self._told_s < self._settings.status_every:
            return False
        told_at = datetime.now(timezone.utc)
        about = {"device": self._device, "time": told_at, "desired": answer}
        payload = status_json(status.model_copy(update=about))
        try:
            session.publish(Message(f"{self._base}/status", payload, retain=True))
        except SinkError:
            self._link.give_up()
            self._told = None
            raise
        self._told, self._told_s = now, time.monotonic()
        return True

    def _orders(self, obeys: Obeys, session: MqttSession) -> DesiredAnswer | None:
        if session is not self._heard_on:
            self._heard_on = session
            topic = f"{self._base}/desired"
            try:
                session.subscribe(Subscription((topic,), lambda _, order: obeys.hear(order)))
            except SinkError as error:
                log.warning("no threshold can be set from afar: %s", error)
        return obeys.turn()

    def close(self) -> None:
        """Publish `offline` and disconnect; safe to call twice."""
        self._link.close()


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
    pair = (status.pair_id, status.engine, status.detector_engine)
    running = (status.version, pair, status.config_hash, status.configuration_is_newest)
    trouble = (status.outbox_problem, status.not_alive, status.not_ready, status.overload is None)
    return running, trouble, cameras, sinks
