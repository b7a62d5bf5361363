"""Real streams over real sockets: what a network camera does to us."""

import socket
from dataclasses import replace

import pytest

from edge.sources.live import LiveSource
from edge.sources.open import frame_source, limits
from edge.sources.state import Patience
from edge.sources.status import Surroundings
from tests.edge.cameras import camera_settings
from tests.edge.rtsp import RtspCamera
from tests.edge.system_gstreamer import need_gstreamer
from tests.edge.watching import Told


@pytest.fixture
def camera():
    need_gstreamer()
    camera = RtspCamera()
    yield camera
    camera.kill()


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def started(told, decoder):
    running: list[LiveSource] = []

    def start(uri: str, **keys: object) -> LiveSource:
        keys = {"open_timeout": 5, "read_timeout": 2, "decoder": decoder, **keys}
        settings = camera_settings(uri, **keys)
        patience = Patience(stalled_after_s=1, first_retry_s=0.2, longest_retry_s=0.5)
        treated = replace(limits(settings), patience=patience)
        source = LiveSource(
            "door", frame_source(settings, print), treated, Surroundings(on_change=told)
        )
        running.append(source)
        source.start()
        return source

    yield start
    for source in running:
        source.stop()


def test_a_stream_is_received_with_growing_presentation_times(camera, told, started):
    camera.start()
    source = started(camera.uri)
    taken = [captured for captured, _ in zip(source.frames(), range(10), strict=False)]
    assert {captured.frame.pixels.shape for captured in taken} == {(240, 320, 3)}
    times = [captured.frame.time_s or 0.0 for captured in taken]
    assert times == sorted(times)
    assert times[-1] > times[0]
    assert told.until_state("streaming").picture.size == (320, 240)


def test_a_server_that_stops_answering_is_stalled_then_lost_then_streams_again(
    camera, told, started
):
    camera.start()
    started(camera.uri)
    told.until_state("streaming")
    camera.freeze()
    told.until_state("stalled")
    assert "gave no frame" in str(told.until_state("lost").error)
    camera.thaw()
    recovered = told.until_state("streaming")
    assert recovered.openings >= 2
    assert recovered.abandoned == 0


def test_a_killed_server_is_lost_and_streams_again_when_it_is_back(camera, told, started):
    camera.start()
    source = started(camera.uri)
    told.until_state("streaming")
    camera.kill()
    told.until_state("lost")
    refused = told.until(lambda status: status.state == "lost" and status.openings >= 3)
    assert "cannot be opened" in str(refused.error)
    camera.start()
    told.until_state("streaming")
    before = source.status().frames
    assert next(source.frames()).frame.index >= 0
    assert source.status().frames >= before


def test_a_change_of_resolution_in_the_stream_is_told_and_frames_go_on(camera, told, started):
    camera.start()
    source = started(camera.uri)
    told.until_state("streaming")
    camera.resize(640, 480)
    status = told.until(lambda status: status.picture.size == (640, 480))
    assert status.picture.size_changes == 1
    source.take()
    assert next(source.frames()).frame.pixels.shape == (480, 640, 3)


def test_a_server_that_comes_back_with_another_resolution_is_followed(camera, told, started):
    camera.start()
    started(camera.uri)
    told.until_state("streaming")
    camera.kill()
    told.until_state("lost")
    camera.width, camera.height = 160, 120
    camera.start()
    told.until(lambda status: status.picture.size == (160, 120))


def test_one_dead_camera_does_not_hold_up_another(camera, started):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dead = started(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/cam", open_timeout=60)
        camera.start()
        alive = started(camera.uri)
        frames = [captured for captured, _ in zip(alive.frames(), range(50), strict=False)]
        assert len(frames) == 50
        assert dead.status().state == "starting"


def test_a_silent_server_is_given_up_after_the_open_timeout(told, started):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/cam", open_timeout=0.5)
        status = told.until_state("lost")
    assert "cannot be opened" in str(status.error)
    assert status.abandoned == 0


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_the_transport_is_the_one_configured(camera, told, started, transport):
    camera.transport = transport
    camera.start()
    other = {"tcp": "udp", "udp": "tcp"}[transport]
    started(camera.uri, transport=other)
    error = str(told.until_state("lost").error)
    assert f"does not send by transport: {other}; set transport: {transport}" in error
    started(camera.uri, transport=transport)
    told.until_state("streaming")


def test_no_error_holds_the_password(told, started, monkeypatch):
    monkeypatch.setenv("EDGE_GATE_DOOR", "admin:hunter2")
    started("rtsp://127.0.0.1:1/cam", login={"name": "door"})
    error = str(told.until_state("lost").error)
    assert "rtsp://…@127.0.0.1:1/cam cannot be opened" in error
    assert "hunter2" not in error
