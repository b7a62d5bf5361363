"""A fleet's broker as `configs/fleet` has it: TLS, a password for each client, an ACL."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from edge.config.delivery import MqttSinkSettings, Secret
from edge.fleet.address import Files
from tests.edge import mqtt_broker
from tests.edge.mqtt_broker import Broker
from tests.edge.running_gate import ROOT

ACL = ROOT / "configs" / "fleet" / "gates.acl"
GATES = ("entrance", "warehouse", "yard")
USERS = (*GATES, "control", "nobody")
"""Each has a password of its own; the ACL names neither yard nor nobody."""


@dataclass(frozen=True)
class FleetBroker:
    broker: Broker
    folder: Path

    @property
    def files(self) -> Files:
        return self.files_of("control")

    def files_of(self, user: str) -> Files:
        return Files(self.folder / user, self.folder / "ca.pem")

    def address(self, user: str = "control") -> str:
        return f"mqtts://{user}@localhost:{self.broker.port}"

    def settings(self, gate: str, **keys: object) -> MqttSinkSettings:
        """How a gate reaches it."""
        return MqttSinkSettings.model_validate(
            {
                "host": "localhost",
                "port": self.broker.port,
                "ca_file": self.folder / "ca.pem",
                "username": gate,
                "password": Secret(name="none", file=self.folder / gate),
                "topic": "gate/north",
                "device": gate,
                "timeout": 10.0,
                **keys,
            }
        )


def write_access(folder: Path, users: Sequence[str]) -> None:
    """Write the broker's certificate, and a password for each user."""
    mqtt_broker.mosquitto()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(str(folder / "broker.key"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "broker.pem"))
    (folder / "passwords").write_text("".join(f"{user}:of {user}\n" for user in users))
    subprocess.run(["mosquitto_passwd", "-U", folder / "passwords"], check=True)
    for user in users:
        (folder / user).write_text(f"of {user}")
        (folder / user).chmod(0o600)


@contextmanager
def fleet_broker(folder: Path) -> Iterator[FleetBroker]:
    write_access(folder, USERS)
    lines = (
        f"certfile {folder / 'broker.pem'}",
        f"keyfile {folder / 'broker.key'}",
        "allow_anonymous false",
        f"password_file {folder / 'passwords'}",
        f"acl_file {ACL}",
    )
    with mqtt_broker.running(folder, *lines) as broker:
        yield FleetBroker(broker, folder)
