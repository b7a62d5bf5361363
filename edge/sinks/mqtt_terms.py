"""Words of MQTT that the sink, the status and their connection share."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from edge.config.delivery import MqttSinkSettings
from edge.delivery.record import NOT_IN_NAMES

Cause: TypeAlias = Literal["taken_over", "ended", "lost"]


@dataclass(frozen=True, slots=True)
class Message:
    """What is published."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is listened to."""

    topics: tuple[str, ...]
    """With `+` and `#` as MQTT has them."""
    take: Callable[[str, bytes], None]
    """Called with topic and payload by the connection's thread, which waits: it is to be quick."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a broker can do."""

    qos: int = 1
    """The highest of 0 and 1."""
    retains: bool = True
    """It keeps retained messages."""


@dataclass(frozen=True, slots=True)
class Loss:
    """The end of a connection that we did not end."""

    cause: Cause
    """Another client of our id came, the broker ended it and said why, or it was cut."""
    words: str
    """The broker's reason."""
    lived_s: float
    """How long the connection lasted."""


def client_id(settings: MqttSinkSettings) -> str:
    """Return what tells this client from others of its broker, which ends the older of two."""
    return f"{settings.topic}/{device_name(settings)}/{settings.name}".replace("/", "-")


def device_name(settings: MqttSinkSettings) -> str:
    """Return what tells this gate's topics from others': `device`, else the host's name."""
    return settings.device or NOT_IN_NAMES.sub("_", socket.gethostname())


def address(settings: MqttSinkSettings) -> str:
    """Return the broker's address, for messages."""
    scheme = ("ws" if settings.websocket else "mqtt") + ("s" if settings.tls else "")
    return f"{scheme}://{settings.host}:{settings.port}{settings.websocket or ''}"
