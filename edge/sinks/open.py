"""Open the sinks that the configuration names."""

from collections.abc import Mapping

from edge.config.delivery import (
    DirectorySinkSettings,
    HttpSinkSettings,
    MqttSinkSettings,
    SinkSettings,
    StdoutSinkSettings,
)
from edge.protocols import Sink


def open_sink(settings: SinkSettings, environment: Mapping[str, str] | None = None) -> Sink:
    """
    Return the sink of one entry of `sinks`; only its own libraries are imported.

    Args:
        settings: The entry.
        environment: Where secrets may be; None is the process's.

    Raises:
        ConfigError: A secret or a certificate file is missing or unusable.
    """
    match settings:
        case DirectorySinkSettings():
            from edge.sinks.directory import DirectorySink  # noqa: PLC0415

            return DirectorySink(settings)
        case StdoutSinkSettings():
            from edge.sinks.stdout import StdoutSink  # noqa: PLC0415

            return StdoutSink()
        case HttpSinkSettings():
            from edge.sinks.http import HttpSink  # noqa: PLC0415

            return HttpSink(settings, environment)
        case MqttSinkSettings():
            from edge.sinks.mqtt import MqttSink  # noqa: PLC0415

            return MqttSink(settings, environment)
