"""
One MQTT message for each face, QoS 1, delivered when the broker has acknowledged it.

Topics and messages stand in docs/protocol.md. Faces are never retained: a broker must not keep one
for whoever subscribes next.
"""

import base64
import json
import logging
from collections.abc import Mapping

from edge.config.credentials import read_secret
from edge.config.delivery import MqttSinkSettings
from edge.delivery.record import origin, record_of
from edge.errors import ConfigError, SinkError, SinkRefusedError
from edge.samples import Delivery
from edge.sinks.home_assistant import Announced, discovery
from edge.sinks.mqtt_session import Message, MqttSession, client_id, device_name

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
        self._environment = environment
        self._device = device_name(settings)
        self._base = f"{settings.topic}/{self._device}"
        self._announced: set[str] = set()
        self._is_missed = False
        self._password()
        self._session: MqttSession | None = self._new_session()

    def send(self, delivery: Delivery) -> None:
        """
        Publish one face.

        Raises:
            SinkError: The broker is not there, or has not acknowledged in time.
            SinkRefusedError: The broker will never take this message.
        """
        camera = origin(record_of(delivery))
        try:
            session = self._open_session()
            for message in self._messages(delivery, camera):
                session.publish(message)
        except SinkRefusedError:
            raise
        except SinkError:
            self._give_up()
            raise
        self._announced.add(camera)

    def idle(self) -> None:
        """Be there for those who watch the availability, also before the first face."""
        try:
            self._open_session()
        except SinkError as error:
            self._give_up()
            if not self._is_missed:
                log.warning("%s; until then the gate is shown as offline", error)
            self._is_missed = True
        else:
            self._is_missed = False

    def close(self) -> None:
        """Publish `offline` and disconnect; safe to call twice."""
        if self._session is not None:
            self._session.close()
            self._session = None

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

    def _open_session(self) -> MqttSession:
        if self._session is not None and self._session.is_open:
            return self._session
        self._give_up()
        self._session = self._new_session()
        try:
            self._session.open(self._password())
        except ConfigError as error:
            raise SinkError(str(error)) from error
        return self._session

    def _new_session(self) -> MqttSession:
        available = None if self._settings.status else f"{self._base}/available"
        return MqttSession(self._settings, client_id(self._settings), available)

    def _give_up(self) -> None:
        if self._session is not None:
            self._session.abandon()
            self._session = None
        self._announced.clear()

    def _password(self) -> str | None:
        secret = self._settings.password
        return None if secret is None else read_secret(secret, self._environment)
