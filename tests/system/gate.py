"""The gate as a service of a booted box, with what is around it."""

import json
import select
import subprocess
from collections.abc import Callable
from typing import Any

from tests.system.box import PATIENCE_S, Box, BoxError
from tests.system.devices import as_user
from tests.system.street import PLACE

CONFIGURATION = "/etc/edge-gate/gate.yaml"
PAIR = "/var/lib/edge-gate/pairs/mobilefacenet512"
DROP_INS = "/etc/systemd/system/edge-gate.service.d"
TEMPLATE = """\
pair: {pair}
threads: 1
detector: {{smallest_face: 60, threads: 1}}
gate: {{threshold: {threshold}, min_detector_score: 0.5}}
tracks: {{gap: 300ms, duplicate_above: 1}}
sources:
  - {{name: door, uri: "http://127.0.0.1:8000/video"}}
sinks:
  - type: http
    url: http://{receiver}:9000/faces
    allow_plaintext: true
    timeout: 5s
    token: {{name: http_token}}
delivery:
  outbox: {{path: /var/lib/edge-gate/outbox.sqlite}}
  backoff: {{first: 200ms, at_most: 1s}}
"""


class Gate:
    """What the tests ask of it."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self._around: list[subprocess.Popen[str]] = []

    def __enter__(self) -> "Gate":  # noqa: PYI034 -- Self is not in Python 3.10
        self.box.start()
        self.begin("python3", f"{PLACE}/camera.py", "8000")
        return self

    def __exit__(self, *_error: object) -> None:
        self.box.stop()
        for each in self._around:
            each.communicate()

    def begin(self, *command: str) -> "subprocess.Popen[str]":
        """Begin a command that ends with the box."""
        begun = self.box.popen(*command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self._around.append(begun)
        return begun

    def receive(self, address: str = "127.0.0.1", manner: str = "ok") -> "Received":
        """Begin to take faces."""
        self.box.run("pkill", "-f", "receiver.py", check=False)
        return Received(self.begin("python3", f"{PLACE}/receiver.py", address, "9000", manner))

    def configure(
        self, pair: str = PAIR, threshold: float = 0, receiver: str = "127.0.0.1", more: str = ""
    ) -> None:
        """Write the configuration; the gate learns of it by reload or restart."""
        text = TEMPLATE.format(pair=pair, threshold=threshold, receiver=receiver)
        self.box.path(CONFIGURATION).write_text(text + more)

    def systemctl(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        return self.box.run("systemctl", *words, "edge-gate", check=check)

    def property(self, name: str) -> str:
        return self.systemctl("show", f"--property={name}", "--value").stdout.strip()

    def type(self, commands: str, *, online: bool = False) -> None:
        """Do what a page says, as the user of the device; it must work."""
        done = as_user(self.box, commands, check=False, online=online)
        if done.returncode:
            raise BoxError(f"{commands}\n{done.stdout}{done.stderr}\nthe log:\n{self.log()}")

    def log(self) -> str:
        """Return what the service has said since the boot."""
        return self.box.run("journalctl", "-b", "-u", "edge-gate", "-o", "cat", "--no-pager").stdout

    def wait_until(self, is_so: Callable[[], Any], what: str) -> Any:
        """Return what is true in the end; PATIENCE_S only guards against waiting for ever."""
        for _ in range(10 * PATIENCE_S):
            if found := is_so():
                return found
            select.select([], [], [], 0.1)
        raise BoxError(f"{what}: does not come; the log ends:\n{self.log()[-3000:]}")


class Received:
    """The faces that a receiver has printed."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self._printed = process.stdout
        self._line()  # it listens

    def face(self) -> dict[str, str]:
        """Return the next one."""
        return dict(json.loads(self._line()))

    def _line(self) -> str:
        readable, _, _ = select.select([self._printed], [], [], PATIENCE_S)
        if not readable:
            raise BoxError("the receiver prints nothing: no face came")
        return self._printed.readline()
