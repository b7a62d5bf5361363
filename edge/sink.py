"""Open the sinks that the configuration names."""

from edge.errors import ConfigError
from edge.protocols import Sink
from edge.settings_delivery import DirectorySinkSettings, SinkSettings
from edge.sink_directory import DirectorySink


def open_sink(settings: SinkSettings) -> Sink:
    """
    Return the sink of one entry of `sinks`.

    Raises:
        ConfigError: The sink is not available in this command.
    """
    if isinstance(settings, DirectorySinkSettings):
        return DirectorySink(settings)
    raise ConfigError(f"sink {settings.name}: type {settings.type} is not available here yet")
