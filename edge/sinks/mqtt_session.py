"""
One connection to a broker on which a message counts as sent when its PUBACK has come.

paho-mqtt keeps the connection alive and reopens it. Whenever a PUBACK does not come in time the
connection is given up altogether, so that nothing is left in paho's own queue: the outbox alone
decides what is sent again.
"""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.config.delivery import MqttSinkSettings
from edge.config.tls import client_context
from edge.delivery.record import NOT_IN_NAMES
from edge.errors import SinkError, SinkRefusedError

ONLINE, OFFLINE = "online", "offline"
PROTOCOLS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
NEVER = frozenset({0x90, 0x99})
"""PUBACK reasons that concern the message itself: topic name, payload format (MQTT 5, 3.4.2.1)."""
PACKET_OVERHEAD = 32
"""Bytes of a PUBLISH packet beside topic and payload, generously."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is published, with QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


def client_id(settings: MqttSinkSettings) -> str:
    """Return what tells this client from others of its broker, which ends the older of two."""
    return f"{settings.topic}/{device_name(settings)}/{settings.name}".replace("/", "-")


def device_name(settings: MqttSinkSettings) -> str:
    """Return what tells this gate's topics from others': `device`, else the host's name."""
    return settings.device or NOT_IN_NAMES.sub("_", socket.gethostname())


class MqttSession:
    """A connection that announces whether it is there; used by one thread beside paho's own."""

    def __init__(self, settings: MqttSinkSettings, own_id: str, availability: str | None) -> None:
        """
        Prepare; nothing is connected yet.

        Args:
            settings: Where the broker is.
            own_id: Different for each client of the broker.
            availability: Topic that holds `online` or `offline`, retained; None tells neither.

        Raises:
            ConfigError: A certificate file is missing or unusable.
        """
        self._settings = settings
        self._availability = availability
        self.connections = 0
        """How often the broker took us; after another one it may have forgotten what it kept."""
        self._settled = threading.Event()
        self._refusal: str | None = None
        self._largest: int | None = None
        self._failures: dict[int, ReasonCode] = {}
        self._client = Client(
            CallbackAPIVersion.VERSION2, own_id, protocol=PROTOCOLS[settings.protocol]
        )
        self._client.connect_timeout = settings.timeout
        self._client.reconnect_delay_set(1, 60)
        if availability is not None:
            self._client.will_set(availability, OFFLINE, qos=1, retain=True)
        if settings.tls:
            self._client.tls_set_context(
                client_context(settings.ca_file, settings.client_certificate, settings.client_key)
            )
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish

    def open(self, password: str | None) -> None:
        """
        Connect and wait for the broker's consent.

        Raises:
            SinkError: There is no broker, or it does not want us.
        """
        settings = self._settings
        if settings.username is not None or password is not None:
            self._client.username_pw_set(settings.username, password)
        try:
            self._client.connect(settings.host, settings.port, round(settings.keepalive))
        except (OSError, ValueError) as error:
            raise SinkError(f"{self.where}: {error}") from error
        self._client.loop_start()
        if not self._settled.wait(settings.timeout):
            raise SinkError(f"{self.where}: no answer to CONNECT in time")
        if self._refusal is not None:
            raise SinkError(f"{self.where} refuses the connection: {self._refusal}")

    @property
    def is_open(self) -> bool:
        """True while the broker and we have each other's consent."""
        return self._settled.is_set() and self._refusal is None

    @property
    def where(self) -> str:
        """The broker, for messages."""
        return (
            f"mqtt{'s' if self._settings.tls else ''}://{self._settings.host}:{self._settings.port}"
        )

    def publish(self, message: Message) -> None:
        """
        Publish with QoS 1 and wait for the PUBACK.

        Raises:
            SinkError: It did not come in time, or says that it may succeed later.
            SinkRefusedError: The broker will never take this message.
        """
        size = len(message.topic.encode()) + len(message.payload) + PACKET_OVERHEAD
        if self._largest is not None and size > self._largest:
            raise SinkRefusedError(
                f"{self.where} takes at most {self._largest} bytes, this face is {size}: set "
                "include_face_image: false, or raise the broker's max_packet_size"
            )
        try:
            info = self._client.publish(message.topic, message.payload, 1, message.retain)
            info.wait_for_publish(self._settings.timeout)
        except (RuntimeError, ValueError) as error:  # how paho says that it is not connected
            raise SinkError(f"{self.where}: {error}") from error
        if not info.is_published():
            raise SinkError(f"{self.where}: no PUBACK for {message.topic} in time")
        failure = self._failures.pop(info.mid, None)
        if failure is not None:
            self._raise(failure, message.topic)

    def close(self) -> None:
        """Say goodbye, `offline` first; safe to call twice."""
        try:
            if self._availability is not None:
                self.publish(Message(self._availability, OFFLINE.encode(), retain=True))
        except SinkError:
            self.abandon()
        else:
            self._client.disconnect()
            self._client.loop_stop()

    def abandon(self) -> None:
        """Cut the connection; the broker publishes the last will."""
        connected = self._client.socket()
        if isinstance(connected, socket.socket):
            with suppress(OSError):
                # Without it paho's thread would wait for messages that are never acknowledged.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)
        self._client.loop_stop()

    def _raise(self, failure: ReasonCode, topic: str) -> NoReturn:
        text = f"{self.where} did not take the message for {topic}: {failure}"
        raise SinkRefusedError(text) if failure.value in NEVER else SinkError(text)

    def _on_connect(
        self,
        client: Client,
        _data: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._refusal = str(reason) if reason.is_failure else None
        self._largest = getattr(properties, "MaximumPacketSize", None)
        if not reason.is_failure:
            self.connections += 1
            if self._availability is not None:
                client.publish(self._availability, ONLINE, qos=1, retain=True)
        self._settled.set()

    def _on_disconnect(self, *_details: object) -> None:
        if self._refusal is None:
            self._settled.clear()

    def _on_publish(
        self, _client: Client, _data: object, mid: int, reason: ReasonCode, _more: Properties
    ) -> None:
        # Runs before wait_for_publish() returns.
        if reason.is_failure:
            self._failures[mid] = reason
