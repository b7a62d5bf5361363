"""The courier and the sinks that a configuration names."""

from contextlib import ExitStack

from edge.config import Config
from edge.delivery import Courier
from edge.forwarding import Forwarding
from edge.outbox_file import IN_MEMORY
from edge.settings_delivery import OutboxSettings
from edge.sink import open_sink

MEMORY_ONLY = OutboxSettings(path=IN_MEMORY, quota=4_000_000)
"""Without an outbox in the configuration: faces wait here while a sink is down, until the end."""


def open_delivery(config: Config) -> Forwarding:
    """
    Open sinks and outbox; nothing is sent before `courier.start()`.

    Raises:
        ConfigError: A secret or a certificate file of a sink is missing or unusable.
        OutboxError: The outbox's file is of another program, or cannot be made.
    """
    delivery = config.delivery
    with ExitStack() as opened:
        sinks = {}
        for settings in config.sinks:
            sinks[settings.name] = open_sink(settings)
            opened.callback(sinks[settings.name].close)
        courier = Courier(sinks, delivery.outbox or MEMORY_ONLY, delivery.backoff)
        opened.pop_all()  # from here on the courier closes them
    return Forwarding(courier, delivery)
