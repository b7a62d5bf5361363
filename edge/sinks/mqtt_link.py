"""
The way to one broker over months: sessions that follow each other, and why each of them ended.

A broker ends the older of two clients with one id. Two gates that both come back at once would
throw each other out for ever, once a second: whoever was thrown out rests, longer each time.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping

from edge.backoff import backoff_delay, jitter
from edge.config.credentials import read_secret
from edge.config.delivery import MqttSinkSettings
from edge.errors import ConfigError, SinkBusyError, SinkError
from edge.samples import Connection
from edge.sinks.mqtt_session import MqttSession
from edge.sinks.mqtt_terms import Abilities, Loss, address
from engines.amounts import amount

log = logging.getLogger(__name__)

FIRST_REST_S, LONGEST_REST_S = 30.0, 600.0
"""After another client took our session over."""
SHORT_S, SHORT_ONES, LONGEST_DOUBT_S = 60.0, 3, 120.0
"""
So many sessions in a row that lived so briefly may have been taken over, though nobody says so, as
MQTT 3.1.1 cannot and Mosquitto 2.0.11 does not. It may also be a poor network: the rest is shorter.
"""
CALM_S = 3600.0
"""After a session of this length a rival is a new one."""
NO_RETAIN, NO_QOS = 0x9A, 0x9B
"""Refusals of a last will that a client with a lesser one escapes (CONNACK, MQTT 5, 3.2.2.2)."""


class BrokerLink:
    """Opens sessions when they are needed; for one thread beside those of its sessions."""

    def __init__(
        self,
        settings: MqttSinkSettings,
        own_id: str,
        availability: str | None,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Prepare; nothing is connected yet.

        Args:
            settings: Where the broker is.
            own_id: Different for each client of the broker.
            availability: Topic that holds `online` or `offline`; None tells neither.
            environment: Where the password may be; None is the process's.
            clock: Seconds that never go back.
        """
        self._settings, self._own_id, self._availability = settings, own_id, availability
        self._environment, self._clock = environment, clock
        self._session: MqttSession | None = None
        self._wished = self._told = Abilities(settings.qos, settings.retain)
        self._problem: str | None = None
        self._last_loss: str | None = None
        self._losses: Counter[str] = Counter()
        self._rest_until_s = float("-inf")
        self._rivals = self._short_ones = 0

    def check(self) -> None:
        """
        Look whether what is configured is there.

        Raises:
            ConfigError: The password or a certificate file is missing or unusable.
        """
        self._password()
        self._new_session(self._wished)

    def session(self) -> MqttSession:
        """
        Return an open session.

        Raises:
            SinkBusyError: It rests, because another client took the last one over.
            SinkError: There is no broker, or it does not want us.
        """
        if self._session is not None and self._session.is_open:
            return self._session
        self.give_up()
        rest_s = self._rest_until_s - self._clock()
        if rest_s > 0:
            raise SinkBusyError(self._problem or "", rest_s)
        try:
            opened = self._opened()
        except (SinkError, ConfigError) as error:
            self._problem = str(error)
            raise SinkError(str(error)) from error
        self._problem = None
        return opened

    @property
    def connection(self) -> Connection:
        """How it is doing; may be asked by any thread."""
        session = self._session
        problem = None if session is not None and session.is_open else self._problem
        return Connection(problem, self._last_loss, dict(self._losses))

    def give_up(self) -> None:
        """Cut the connection, so that nothing half-sent is left in it."""
        if self._session is not None:
            self._session.abandon()
            self._session = None

    def close(self) -> None:
        """Publish `offline` and disconnect; safe to call twice."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _opened(self) -> MqttSession:
        able = self._wished
        while True:
            self._session = session = self._new_session(able)
            try:
                session.open(self._password())
            except SinkError:
                self.give_up()
                less = _less(able, session.refusal_code)
                if less == able:
                    raise
                able = less
            else:
                self._tell(session.able)
                return session

    def _tell(self, able: Abilities) -> None:
        """Log what a broker cannot do, once."""
        if able == self._told:
            return
        self._told = able
        where = address(self._settings)
        if not able.retains:
            log.warning("%s keeps no messages: who subscribes late has to wait for the next", where)
        if able.qos == 0:
            log.warning("%s takes QoS 0 only: a face is sent again only if it says nothing", where)

    def _password(self) -> str | None:
        secret = self._settings.password
        return None if secret is None else read_secret(secret, self._environment)

    def _new_session(self, able: Abilities) -> MqttSession:
        return MqttSession(self._settings, self._own_id, self._availability, able, self._on_loss)

    def _on_loss(self, loss: Loss) -> None:
        """Note it, and decide when to come back; by paho's thread."""
        self._losses[loss.cause] += 1
        self._short_ones = self._short_ones + 1 if loss.lived_s < SHORT_S else 0
        if loss.lived_s >= CALM_S:
            self._rivals = 0
        is_rival = loss.cause == "taken_over" or self._short_ones >= SHORT_ONES
        self._last_loss = self._problem = self._words(loss, is_rival=is_rival)
        if not is_rival:
            log.warning("%s", self._last_loss)
            return
        self._rivals += 1
        longest_s = LONGEST_REST_S if loss.cause == "taken_over" else LONGEST_DOUBT_S
        rest_s = backoff_delay(self._rivals, FIRST_REST_S, longest_s, jitter())
        self._rest_until_s = self._clock() + rest_s
        log.warning("%s; trying again in %.0f s", self._last_loss, rest_s)

    def _words(self, loss: Loss, *, is_rival: bool) -> str:
        where = address(self._settings)
        if not is_rival:
            ended = "ended by the broker" if loss.cause == "ended" else "lost"
            return f"{where}: the connection was {ended}: {loss.words}"
        who = f"another client with our id {self._own_id!r} took the session over (0x8E)"
        if loss.cause != "taken_over":
            who = (
                f"{amount(self._short_ones, 'connection')} in a row ended within a minute "
                f"({loss.words}), perhaps because of another client with our id {self._own_id!r}"
            )
        return f"{where}: {who}: give each gate a device: of its own"


def _less(able: Abilities, refusal_code: int | None) -> Abilities:
    """Return what to ask of a broker that refused more."""
    if refusal_code == NO_RETAIN:
        return Abilities(able.qos, retains=False)
    return Abilities(0, able.retains) if refusal_code == NO_QOS else able
