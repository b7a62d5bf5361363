"""A real tinyproxy on a free port."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.edge.mqtt_broker import PATIENCE_S, free_port


@dataclass
class Proxy:
    """Where it is, and what it says it does."""

    url: str
    log: list[str] = field(default_factory=list)

    def read(self, process: "subprocess.Popen[str]", started: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.log.append(line)
                if "Accepting connections" in line:
                    started.set()


@contextmanager
def proxying(folder: Path, *extra: str) -> Iterator[Proxy]:
    program = shutil.which("tinyproxy")
    if program is None:
        reason = "tinyproxy is not installed: sudo apt-get install tinyproxy"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    port, configuration = free_port(), folder / "tinyproxy.conf"
    lines = (f"Port {port}", "Listen 127.0.0.1", "LogLevel Info", *extra)
    configuration.write_text("\n".join(lines) + "\n")
    process = subprocess.Popen(
        [program, "-d", "-c", configuration], stdout=subprocess.PIPE, text=True
    )
    proxy, started = Proxy(f"http://127.0.0.1:{port}"), threading.Event()
    reader = threading.Thread(target=proxy.read, args=(process, started))
    reader.start()
    try:
        assert started.wait(PATIENCE_S), proxy.log
        yield proxy
    finally:
        process.terminate()
        process.wait()
        reader.join()
