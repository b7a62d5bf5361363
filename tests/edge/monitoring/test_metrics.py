import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge.monitoring.drift import Drift
from edge.monitoring.metrics import CameraSnapshot, Metrics, OutboxSnapshot, Snapshot

QUIET = Snapshot(pair_id="0123", config_hash="abcd", reloaded=True)
BUSY = Snapshot(
    pair_id="0123",
    config_hash="abcd",
    reloaded=False,
    overload=2.5,
    cameras=(
        CameraSnapshot(
            name="door",
            up=True,
            frames={"looked_at": 90, "late": 10},
            faces={"forwarded": 3, "low_quality": 4},
            openings=2,
            frame_age_s=0.12,
            ages_ms={50: 80.0, 95: 110.0, 99: 150.0},
            drift=Drift(psi=0.3, limit=0.25, direction="lower"),
        ),
        CameraSnapshot("yard", up=False, frames={}, faces={}, openings=0),
    ),
    outbox=OutboxSnapshot(faces=5, bytes=70_000, oldest_s=12.0, dead=1),
    deliveries={("archive", "delivered"): 7},
    losses={("broker", "taken_over"): 4},
    drops={"quota": 2},
    threads={"sender-archive": (True, 0), "status": (False, 3)},
)


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_every_figure_of_a_reading_is_told():
    found = samples(Metrics(lambda: BUSY).text())
    assert found["edge_gate_frames_total", "door", "late"] == 10
    assert found["edge_gate_faces_total", "door", "low_quality"] == 4
    assert found["edge_gate_camera_openings_total", "door"] == 2
    assert found["edge_gate_camera_up", "yard"] == 0
    assert found["edge_gate_frame_age_seconds", "door"] == 0.12
    assert found["edge_gate_frame_age_percentile_seconds", "99", "door"] == 0.15
    assert found["edge_gate_overload",] == 2.5
    assert found["edge_gate_score_psi", "door"] == 0.3
    assert found["edge_gate_score_psi_limit", "door"] == 0.25
    assert found["edge_gate_outbox_bytes",] == 70_000
    assert found["edge_gate_outbox_dead_faces",] == 1
    assert found["edge_gate_deliveries_total", "archive", "delivered"] == 7
    assert found["edge_gate_drops_total", "quota"] == 2
    assert found["edge_gate_connection_losses_total", "broker", "taken_over"] == 4
    assert found["edge_gate_config_reload_success",] == 0
    assert found["edge_gate_thread_up", "sender-archive"] == 1
    assert found["edge_gate_thread_up", "status"] == 0
    assert found["edge_gate_thread_failures_total", "status"] == 3


def test_what_is_not_known_has_no_figure():
    found = samples(Metrics(lambda: BUSY).text())
    assert ("edge_gate_frame_age_seconds", "yard") not in found
    assert ("edge_gate_frame_age_percentile_seconds", "99", "yard") not in found
    assert ("edge_gate_score_psi", "yard") not in found
    assert not any(
        name.startswith("edge_gate_outbox") for name, *_ in samples(Metrics(lambda: QUIET).text())
    )


def test_each_request_reads_anew():
    readings = [QUIET, BUSY]
    metrics = Metrics(lambda: readings.pop(0))
    assert samples(metrics.text())["edge_gate_config_reload_success",] == 1
    assert samples(metrics.text())["edge_gate_config_reload_success",] == 0


def test_distributions_are_counted_by_camera_and_by_stage():
    metrics = Metrics(lambda: QUIET)
    metrics.scored("door", 35)
    metrics.scored("door", 65)
    metrics.took("detect", 0.02)
    found = samples(metrics.text())
    assert found["edge_gate_score_bucket", "40.0", "door"] == 1
    assert found["edge_gate_score_count", "door"] == 2
    assert found["edge_gate_stage_seconds_bucket", "0.025", "detect"] == 1


def test_two_gates_in_one_process_do_not_share_figures():
    first, second = Metrics(lambda: QUIET), Metrics(lambda: QUIET)
    first.scored("door", 35)
    assert ("edge_gate_score_count", "door") not in samples(second.text())


def test_prometheus_itself_finds_nothing_to_complain_of():
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool: apt-get install prometheus")
    metrics = Metrics(lambda: BUSY)
    metrics.scored("door", 35)
    metrics.took("detect", 0.02)
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics.text(), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
