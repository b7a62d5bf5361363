"""The supervisor in this process, with sources that a real camera cannot be made to be."""

from threading import Event

import pytest

from edge.config.file import read_config
from edge.service.supervisor import Supervisor
from edge.sources.live import LiveSource
from edge.sources.status import Limits
from tests.edge.running_gate import ENGINES
from tests.edge.watching import PATIENCE_S, Scripted
from tests.pairs import put_pair

pytestmark = pytest.mark.registry


@pytest.fixture
def path(tmp_path):
    put_pair(tmp_path)
    path = tmp_path / "gate.yaml"
    path.write_text(
        f"{ENGINES}sources: [{{name: door, uri: 'rtsp://camera.example/1'}}]\n"
        "sinks: [{type: directory, path: faces}]\n"
    )
    return path


@pytest.fixture
def release():
    event = Event()
    yield event
    event.set()


def test_too_many_stuck_calls_end_the_process_for_the_service_manager(
    path, release, caplog, monkeypatch
):
    monkeypatch.setenv("WATCHDOG_USEC", "300000")  # so often it looks around

    def never_returns():
        release.wait(PATIENCE_S)
        yield from ()

    def stuck(settings, around, _unreadable):
        limits = Limits(open_stuck_s=0.05, stuck_limit=2, check_every_s=0.01)
        return LiveSource(settings.name, Scripted(*[never_returns] * 2), limits, around)

    assert Supervisor(path, lambda file: read_config(file).config, stuck).run() == 1
    assert "too many calls into door are stuck; starting afresh" in caplog.text
