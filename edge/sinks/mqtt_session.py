"""
One connection to a broker on which a message counts as sent when the broker has confirmed it.

paho-mqtt keeps the connection alive, and never opens it again. Whenever a confirmation does not
come in time the connection is given up altogether, so that nothing is left in paho's own queue: the
outbox alone decides what is sent again.
"""

import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, NoReturn

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.config.delivery import MqttSinkSettings
from edge.config.tls import client_context
from edge.errors import SinkError, SinkRefusedError
from edge.sinks.mqtt_terms import Abilities, Cause, Loss, Message, Subscription, address

ONLINE, OFFLINE = "online", "offline"
PROTOCOLS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
TAKEN_OVER = 0x8E
"""DISCONNECT reason: another client connected with our id (MQTT 5, 3.14.2.1)."""
NEVER = frozenset({0x90, 0x99})
"""PUBACK reasons that concern the message itself: topic name, payload format (3.4.2.1)."""
PACKET_OVERHEAD = 32
"""Bytes of a PUBLISH packet beside topic and payload, generously."""
LONGEST_CLOSE_S = 3.0
"""For the goodbye; a broker that does not confirm it learns from the last will."""


class MqttSession:
    """A connection that announces whether it is there; used by one thread beside paho's own."""

    def __init__(
        self,
        settings: MqttSinkSettings,
        own_id: str,
        availability: str | None,
        abilities: Abilities = Abilities(),  # noqa: B008 -- frozen
        on_loss: Callable[[Loss], None] = lambda _: None,
    ) -> None:
        """
        Prepare; nothing is connected yet.

        Args:
            settings: Where the broker is.
            own_id: Different for each client of the broker.
            availability: Topic that holds `online` or `offline`, retained; None tells neither.
            abilities: What the broker is known to be able to do.
            on_loss: Told by paho's thread when the connection ends that we did not end.

        Raises:
            ConfigError: A certificate file is missing or unusable.
        """
        self._settings = settings
        self._availability = availability
        self._able = self._known = abilities
        self._on_loss = on_loss
        self.where = address(settings)
        """The broker, for messages."""
        self.refusal_code: int | None = None
        """Of the CONNACK that did not take us."""
        self._settled = threading.Event()
        self._refusal: str | None = None
        self._since_s = 0.0
        self._largest: int | None = None
        self._failures: dict[int, ReasonCode] = {}
        self._receipts: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._consents: queue.SimpleQueue[list[ReasonCode]] = queue.SimpleQueue()
        self._client = self._new_client(own_id)

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
    def able(self) -> Abilities:
        """What the broker said it can do."""
        return self._able

    def publish(self, message: Message, within_s: float | None = None) -> None:
        """
        Publish and wait until the broker has confirmed it.

        With QoS 1 the PUBACK does. A broker without it answers something else that we ask for
        afterwards, and it answers in order.

        Args:
            message: What to publish.
            within_s: Seconds to wait; None waits as long as the settings say.

        Raises:
            SinkError: The confirmation did not come in time, or says that it may succeed later.
            SinkRefusedError: The broker will never take this message.
        """
        self._check_size(message)
        ends_at = time.monotonic() + (self._settings.timeout if within_s is None else within_s)
        able = self._able
        retain = message.retain and able.retains
        try:
            info = self._client.publish(message.topic, message.payload, able.qos, retain)
            info.wait_for_publish(max(0.0, ends_at - time.monotonic()))
            is_confirmed = info.is_published() and (able.qos > 0 or self._is_read(ends_at))
        except (RuntimeError, ValueError) as error:  # how paho says that it is not connected
            raise SinkError(f"{self.where}: {error}") from error
        if not is_confirmed:
            awaited = "PUBACK" if able.qos else "answer after the message"
            raise SinkError(f"{self.where}: no {awaited} for {message.topic} in time")
        failure = self._failures.pop(info.mid, None)
        if failure is not None:
            self._raise(failure, message.topic)

    def subscribe(self, to: Subscription) -> None:
        """
        Hear topics from now on, what is retained first; once for each session.

        Raises:
            SinkError: The broker does not allow it, or says nothing in time.
        """
        self._client.on_message = lambda _client, _data, heard: to.take(
            heard.topic, bytes(heard.payload)
        )
        self._client.on_subscribe = lambda _client, _data, _mid, reasons, _more: self._consents.put(
            reasons
        )
        self._client.subscribe([(topic, self._able.qos) for topic in to.topics])
        try:
            reasons = self._consents.get(timeout=self._settings.timeout)
        except queue.Empty:
            raise SinkError(f"{self.where}: no answer to SUBSCRIBE in time") from None
        for topic, reason in zip(to.topics, reasons, strict=False):
            if reason.is_failure:
                raise SinkError(f"{self.where} does not let us read {topic}: {reason}")

    def close(self) -> None:
        """Say goodbye, `offline` first; safe to call twice."""
        try:
            if self._availability is not None:
                goodbye = Message(self._availability, OFFLINE.encode(), retain=True)
                self.publish(goodbye, min(LONGEST_CLOSE_S, self._settings.timeout))
        except SinkError:
            self.abandon()
        else:
            self._on_loss = _unheard
            self._client.disconnect()
            self._end()

    def abandon(self) -> None:
        """Cut the connection; the broker publishes the last will."""
        self._on_loss = _unheard
        connected = self._client.socket()
        if connected is not None and connected.fileno() >= 0:
            # Of whatever kind paho's is. Without it its thread would wait for messages that are
            # never acknowledged.
            with suppress(OSError), socket.socket(fileno=os.dup(connected.fileno())) as same:
                same.shutdown(socket.SHUT_RDWR)
        self._end()
        if connected is not None:
            connected.close()  # which paho leaves to the garbage collector

    def _end(self) -> None:
        """
        Stop paho's thread, close the sockets that wake it, and let the client no longer know us.

        It closes them when it goes itself. Whoever keeps an error of ours keeps it, too, and then
        the garbage collector may find the sockets first.
        """
        self._client.loop_stop()
        self._client.reinitialise()

    def _new_client(self, own_id: str) -> Client:
        settings = self._settings
        transport: Literal["websockets", "tcp"] = "websockets" if settings.websocket else "tcp"
        client = Client(
            CallbackAPIVersion.VERSION2,
            own_id,
            protocol=PROTOCOLS[settings.protocol],
            transport=transport,
            reconnect_on_failure=False,
        )
        if settings.websocket:
            client.ws_set_options(settings.websocket)
        client.connect_timeout = settings.timeout
        if self._availability is not None:
            able = self._able
            client.will_set(self._availability, OFFLINE, qos=able.qos, retain=able.retains)
        if settings.tls:
            client.tls_set_context(
                client_context(settings.ca_file, settings.client_certificate, settings.client_key)
            )
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_unsubscribe = lambda _client, _data, mid, *_more: self._receipts.put(mid)
        return client

    def _check_size(self, message: Message) -> None:
        size = len(message.topic.encode()) + len(message.payload) + PACKET_OVERHEAD
        if self._largest is not None and size > self._largest:
            raise SinkRefusedError(
                f"{self.where} takes at most {self._largest} bytes, this face is {size}: set "
                "include_face_image: false, or raise the broker's max_packet_size"
            )

    def _is_read(self, ends_at: float) -> bool:
        """Ask for something without effect; its answer tells that all before it was read."""
        _, asked = self._client.unsubscribe(f"{self._settings.topic}/nothing")
        with suppress(queue.Empty):
            while asked is not None:
                left_s = max(0.0, ends_at - time.monotonic())
                if self._receipts.get(timeout=left_s) == asked:
                    return True
        return False

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
        self.refusal_code = reason.value if reason.is_failure else None
        self._largest = getattr(properties, "MaximumPacketSize", None)
        self._able = Abilities(
            min(self._known.qos, getattr(properties, "MaximumQoS", 1)),
            self._known.retains and bool(getattr(properties, "RetainAvailable", 1)),
        )
        if not reason.is_failure:
            self._since_s = time.monotonic()
            if self._availability is not None:
                able = self._able
                client.publish(self._availability, ONLINE, qos=able.qos, retain=able.retains)
        self._settled.set()

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._refusal is not None:
            return
        if not self._settled.is_set():
            self._refusal = "it hung up without a word"
            self._settled.set()
            return
        self._settled.clear()
        told = flags.is_disconnect_packet_from_server
        cause: Cause = "ended" if told else "lost"
        if told and reason.value == TAKEN_OVER:
            cause = "taken_over"
        self._on_loss(Loss(cause, str(reason), time.monotonic() - self._since_s))

    def _on_publish(
        self, _client: Client, _data: object, mid: int, reason: ReasonCode, _more: Properties
    ) -> None:
        # Runs before wait_for_publish() returns.
        if reason.is_failure:
            self._failures[mid] = reason


def _unheard(_loss: Loss) -> None:
    """For the end that we made ourselves."""
