"""Listens to a broker for the gates of a fleet, for as long as it takes."""

import logging
import threading
from collections.abc import Callable

from edge.config.delivery import MqttSinkSettings
from edge.errors import ConfigError, FleetError, SinkError
from edge.fleet.gates import HeardGate, HeardGates
from edge.sinks.mqtt_link import BrokerLink
from edge.sinks.mqtt_session import MqttSession
from edge.sinks.mqtt_terms import Message, Subscription, address, client_id
from edge.watched_thread import WatchedThread

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
"""How soon a lost connection is noticed, and one that failed is tried again."""


class FleetWatch:
    """What one broker keeps of the gates below a topic; safe for all threads."""

    def __init__(self, settings: MqttSinkSettings, below: str) -> None:
        """
        Prepare; nothing is connected yet.

        Args:
            settings: Where the broker is.
            below: The topic of the gates; `+` stands for any one level.

        Raises:
            ConfigError: The password or a certificate file is missing or unusable.
        """
        self._settings, self._below = settings, below
        self._link = BrokerLink(settings, client_id(settings), None)
        self._link.check()
        self._gates = HeardGates()
        self._changed = threading.Condition()
        self._session: MqttSession | None = None
        self.problem: str | None = None
        """Why the broker is not listened to, and what to do; None while it is."""
        self.thread = WatchedThread("fleet", self._run)

    @property
    def where(self) -> str:
        """The broker, for messages."""
        return address(self._settings)

    def connect(self) -> None:
        """
        Listen from now on; once more after a connection that was lost.

        Raises:
            FleetError: There is no broker, or it does not want us; the words say what to do.
        """
        try:
            session = self._link.session()
            if session is not self._session:
                session.subscribe(self._subscription())
                self._session = session
        except (SinkError, ConfigError) as error:
            self._link.give_up()
            raise FleetError(f"{error}: {self._advice(str(error))}") from error

    def publish(self, message: Message) -> None:
        """
        Publish, and wait until the broker has confirmed it.

        Raises:
            FleetError: It does not; the words say what to do.
        """
        try:
            self._link.session().publish(message)
        except SinkError as error:
            raise FleetError(f"{error}: {self._advice(str(error))}") from error

    def gates(self) -> list[HeardGate]:
        """Return what was heard."""
        with self._changed:
            return self._gates.all()

    def wait(self, until: Callable[[list[HeardGate]], bool], within_s: float) -> bool:
        """Wait until the gates are as a question wants them; False when they are not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: until(self._gates.all()), within_s)

    def start(self) -> None:
        """Connect and stay connected, by a thread of its own."""
        self.thread.start()

    def close(self) -> None:
        """End the thread and the connection; safe to call twice."""
        self.thread.stop()
        self.thread.join(LOOK_EVERY_S)
        self._link.close()

    def nothing_heard(self) -> str:
        """Return what to do where no gate has told its status."""
        user = self._settings.username or "this client"
        return (
            f"no gate has told its status below {self._below}: is --topic what the gates have as "
            f"'topic:', is one of them running with 'status: true', and does the broker let {user} "
            f"read it? In Mosquitto's acl_file: topic read {_readable(self._below)}"
        )

    def _subscription(self) -> Subscription:
        topics = tuple(f"{self._below}/+/{what}" for what in ("status", "available"))
        return Subscription(topics, self._take)

    def _take(self, topic: str, payload: bytes) -> None:
        with self._changed:
            self._gates.take(topic, payload)
            self._changed.notify_all()

    def _run(self) -> None:
        while not self.thread.stopping.is_set():
            self.thread.beat()
            try:
                self.connect()
            except FleetError as error:
                if self.problem != str(error):
                    log.warning("%s", error)
                self.problem = str(error)
            else:
                self.problem = None
            self.thread.stopping.wait(LOOK_EVERY_S)

    def _advice(self, words: str) -> str:
        return next(advice for part, advice in ADVICE.items() if part in words)


ADVICE = {
    "refused": "does a broker listen there? mqtts:// is port 8883, mqtt:// is 1883",
    "CERTIFICATE_VERIFY_FAILED": "give the authority that signed its certificate as --ca-file, "
    "and the name that stands in the certificate as the host",
    "WRONG_VERSION_NUMBER": "this port does not speak TLS: use mqtt://, or the port for mqtts://",
    "Not authorized": "give the right user in mqtts://USER@… and --password-file; the broker's ACL "
    "must let it read the topics of the gates, and write GATE/desired to set a threshold",
    "Bad user name": "give the right user in mqtts://USER@… and --password-file",
    "not known": "the host's name is not known here",
    "not let us read": "let it, with a line 'topic read …' in the broker's ACL",
    "": "is the broker there, and do scheme, host and port fit? It is tried again",
}
"""What to do, by a part of what went wrong; the empty part is in everything, and comes last."""


def _readable(below: str) -> str:
    return f"{below.partition('+')[0].rstrip('/') or '+'}/#"
