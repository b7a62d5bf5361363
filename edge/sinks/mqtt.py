"""
One MQTT message for each face, delivered when the broker has confirmed it.

Topics and messages stand in docs/protocol.md. Faces are never retained: a broker must not keep one
for whoever subscribes next.
"""

import base64
import json
import logging
from collections.abc import Mapping

from edge.config.delivery import MqttSinkSettings
from edge.delivery.record import origin, record_of
from edge.errors import SinkBusyError, SinkError, SinkRefusedError
from edge.samples import Connection, Delivery
from edge.sinks.home_assistant import Announced, discovery
from edge.sinks.mqtt_link import BrokerLink
from edge.sinks.mqtt_session import MqttSession
from edge.sinks.mqtt_terms import Message, client_id, device_name

log = logging.getLogger(__name__)


class MqttSink:
    """Satisfies the Protocol `Sink`; for one thread."""

    def __init__(
        self, settings: MqttSinkSettings, environment: Mapping[str, str] | None = None
    ) -> None:
        """
        Prepare; nothing is connected yet.

        Args:
            settings: Where the broker is and what to tell it.
            environment: Where the password may be; None is the process's.

        Raises:
            ConfigError: A secret or a certificate file is missing or unusable.
        """
        self._settings = settings
        self._device = device_name(settings)
        self._base = f"{settings.topic}/{self._device}"
        self._announced: set[str] = set()
        self._announced_on: MqttSession | None = None
        self._is_missed = False
        available = None if settings.status else f"{self._base}/available"
        self._link = BrokerLink(settings, client_id(settings), available, environment)
        self._link.check()

    def send(self, delivery: Delivery) -> None:
        """
        Publish one face.

        Raises:
            SinkError: The broker is not there, or has not acknowledged in time.
            SinkRefusedError: The broker will never take this message.
        """
        camera = origin(record_of(delivery))
        try:
            session = self._link.session()
            self._forget_if_new(session)
            for message in self._messages(delivery, camera):
                session.publish(message)
        except SinkRefusedError:
            raise
        except SinkError:
            self._link.give_up()
            raise
        self._announced.add(camera)

    def idle(self) -> None:
        """Be there for those who watch the availability, also before the first face."""
        try:
            self._link.session()
        except SinkBusyError:
            pass  # the link has said why it rests
        except SinkError as error:
            if not self._is_missed:
                log.warning("%s; until then the gate is shown as offline", error)
            self._is_missed = True
        else:
            self._is_missed = False

    def connection(self) -> Connection:
        """Return how the connection is doing."""
        return self._link.connection

    def close(self) -> None:
        """Publish `offline` and disconnect; safe to call twice."""
        self._link.close()
        self._announced_on = None

    def _forget_if_new(self, session: MqttSession) -> None:
        """A broker that was away may have forgotten what was announced."""
        if session is not self._announced_on:
            self._announced.clear()
        self._announced_on = session

    def _messages(self, delivery: Delivery, camera: str) -> list[Message]:
        place = f"{self._base}/{camera}"
        face = Message(f"{place}/face", self._payload(delivery))
        if not self._settings.home_assistant:
            return [face]
        image = Message(f"{place}/image", delivery.face_image)
        if camera in self._announced:
            return [image, face]
        about = Announced(self._device, camera, f"{self._base}/available", face.topic, image.topic)
        announcements = discovery(about, self._settings.home_assistant_prefix, delivery.media_type)
        return [*announcements, image, face]

    def _payload(self, delivery: Delivery) -> bytes:
        if not self._settings.include_face_image:
            return delivery.record
        image = {
            "media_type": delivery.media_type,
            "base64": base64.b64encode(delivery.face_image).decode(),
        }
        # Appended to the record's own bytes, so that its numbers stay as they were written.
        return delivery.record[:-1] + b',"face_image":' + json.dumps(image).encode() + b"}"
