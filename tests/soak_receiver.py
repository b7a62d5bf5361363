"""A receiver of MQTT messages that misses nothing, to count what arrived."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from threading import Event

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.edge.mqtt_broker import Broker


def heard_keys(heard: "Queue[str]") -> Iterator[str]:
    Event().wait(1)
    while not heard.empty():
        yield heard.get()


@contextmanager
def listening(broker: Broker) -> Iterator["Queue[str]"]:
    """Hear all faces, also those that came while this receiver or the broker was away."""
    heard: Queue[str] = Queue()
    client = Client(CallbackAPIVersion.VERSION2, "soak", clean_session=False)
    ready = Event()

    def subscribe(*_details):
        client.subscribe("edge-gate/+/+/face", qos=1)

    client.on_connect = subscribe
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda _client, _data, message: heard.put(
        json.loads(message.payload)["key"]
    )
    client.reconnect_delay_set(1, 1)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    ready.wait(20)
    try:
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()
