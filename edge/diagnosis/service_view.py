"""What the service cannot see: a configuration may be right for who checks it, and not for it."""

from collections.abc import Iterator
from pathlib import Path

from edge.config.model import Config
from edge.config.paths.named import named_paths
from edge.config.reader import KeyPath

CONFIGURATION = Path("/etc/edge-gate")
"""The folder of the configuration that the units run."""
HIDDEN = (Path("/home"), Path("/root"), Path("/run/user"))
"""Empty for the service: ProtectHome=yes of systemd.exec(5)."""
STATE = Path("/var/lib/edge-gate")


def is_for_the_service(configuration: Path) -> bool:
    """Tell whether a configuration file is one that a unit runs."""
    return configuration.resolve().is_relative_to(CONFIGURATION)


def hidden_paths(config: Config) -> Iterator[tuple[KeyPath, str]]:
    """Yield each key that names a path which the service cannot see, and what to do about it."""
    for key, path in named_paths(config):
        home = next((home for home in HIDDEN if path.resolve().is_relative_to(home)), None)
        if home is not None:
            move = f"sudo cp -r {path} {STATE}/"
            yield key, f"the service cannot see {home} (ProtectHome=yes), copy it out: {move}"
