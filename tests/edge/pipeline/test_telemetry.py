"""What a running gate tells of itself, read from a real daemon over a recorded walk."""

import logging
import shutil
import subprocess
import threading
from dataclasses import replace

import pytest

from edge import watched_thread
from edge.__main__ import main
from edge.config.file import read_config
from edge.config.uri import parse_uri
from edge.errors import ConfigError
from edge.gate.observation import Listeners, Observation
from edge.gate.outcome import Outcome, SeenFace
from edge.monitoring.baseline import write_baseline
from edge.monitoring.drift import Baseline
from edge.monitoring.drift_watch import DriftWatch
from edge.monitoring.metrics import STAGES
from edge.monitoring.status import GateStatus, status_json
from edge.pipeline.daemon import Daemon, GateBusyError
from edge.pipeline.telemetry import Telemetry, config_hash
from edge.samples import Box, QualityScore
from edge.sources.open import live_source
from engines.pair.manifest import read_manifest
from tests.edge.assessments import assessment
from tests.edge.monitoring.test_metrics import samples
from tests.edge.running_gate import ENGINES
from tests.edge.watching import until

pytestmark = pytest.mark.registry

PATIENCE_S = 60
BOX = Box(0, 0, 40, 40)


@pytest.fixture
def configured(material, tmp_path):
    def configured(source=""):
        path = tmp_path / "gate.yaml"
        path.write_text(
            f"{ENGINES.replace('pair: pair', f'pair: {material}/pair')}"
            f"sources: [{{name: door, uri: {material}/walks.mp4{source}}}]\n"
            "sinks: [{type: directory, path: faces}]\n"
        )
        return read_config(path).config

    return configured


class Watched:
    """A daemon, and what it tells."""

    def __init__(self, config):
        self.ended = threading.Event()
        self.telemetry = Telemetry(PATIENCE_S)
        onlookers = Listeners(self.telemetry.observe, self.telemetry.metrics.took)
        self.daemon = Daemon(config, live_source, self.ended.set, onlookers)
        self.telemetry.follow(self.daemon)


@pytest.fixture
def watched():
    made = []

    def watch(config):
        made.append(Watched(config))
        return made[-1]

    yield watch
    for each in made:
        each.daemon.stop(drain_s=PATIENCE_S)


LOOPED = ", loop: true, pace: timestamps"


def counts_now(daemon):
    """Return a copy of what the first source has counted: the worker goes on counting."""
    (stream,) = daemon.streams()
    return daemon.ask(lambda: replace(stream.counts), PATIENCE_S)


def test_the_metrics_are_the_books(watched, configured):
    gate = watched(configured(LOOPED))
    gate.daemon.start()
    until(lambda: gate.daemon.delivered().sinks[0].delivered >= 2)
    before = counts_now(gate.daemon)
    told = samples(gate.telemetry.metrics_text())
    after = counts_now(gate.daemon)
    looked_at = told["edge_gate_frames_total", "door", "looked_at"]
    assert before.looked_at <= looked_at <= after.looked_at
    assert 2 <= told["edge_gate_faces_total", "door", "forwarded"] <= after.forwarded
    assert told["edge_gate_deliveries_total", "delivered", "directory"] >= 2
    assert told["edge_gate_camera_up", "door"] == 1
    assert told["edge_gate_score_count", "door"] >= before.forwarded
    for stage in STAGES:
        assert told["edge_gate_stage_seconds_count", stage] > 0


def test_prometheus_accepts_what_a_gate_tells(watched, configured):
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool: apt-get install prometheus")
    gate = watched(configured(LOOPED))
    gate.daemon.start()
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=gate.telemetry.metrics_text(),
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_the_status_says_what_runs_and_where_everything_is(watched, configured):
    gate = watched(configured(LOOPED))
    gate.daemon.start()
    until(lambda: gate.daemon.delivered().sinks[0].delivered)
    status = gate.telemetry.status()
    assert (status.pair_id, status.config_hash) == (
        gate.daemon.pair_id,
        config_hash(gate.daemon.config),
    )
    assert str(status.engine).startswith("ONNX Runtime ")
    (camera,) = status.cameras
    assert (camera.name, camera.state, camera.mode) == ("door", "streaming", "best_shot")
    assert camera.threshold == 0
    assert sum(camera.faces.values()) > 0
    (sink,) = status.sinks
    assert sink.delivered >= 1
    assert (status.not_alive, status.not_ready) == (None, None)
    assert GateStatus.model_validate_json(status_json(status)) == status


def test_before_the_gate_is_open_it_lives_but_is_not_ready():
    telemetry = Telemetry(PATIENCE_S)
    assert telemetry.not_alive() is None
    assert telemetry.not_ready() == "opening the engine pair"
    with pytest.raises(GateBusyError, match="still opening"):
        telemetry.metrics_text()


@pytest.mark.parametrize(("silent_s", "words"), [(9, None), (11, "no sign of life for 11 s")])
def test_a_worker_without_a_sign_of_life_is_dead(watched, configured, silent_s, words):
    gate = watched(configured(LOOPED))
    gate.daemon.start()
    telemetry = Telemetry(10, lambda: gate.daemon.beat_s + silent_s)
    telemetry.follow(gate.daemon)
    assert (telemetry.not_alive(), telemetry.not_ready()) == (words, words)


def test_a_reload_that_does_not_end_makes_the_gate_not_ready_and_is_told(watched, configured):
    gate, later_s = watched(configured(LOOPED)), [0.0]
    gate.daemon.start()
    telemetry = Telemetry(10**6, lambda: gate.daemon.beat_s + later_s[0])
    telemetry.follow(gate.daemon)
    telemetry.reloading(is_so=True)
    assert telemetry.not_ready() is None
    later_s[0] = 10_000.0
    assert "a reload has not ended for" in str(telemetry.not_ready())
    assert "a reload has not ended for" in telemetry.status().summary
    assert telemetry.not_alive() is None
    telemetry.reloading(is_so=False)
    assert telemetry.not_ready() is None


def test_a_thread_that_failed_is_told_until_only_a_new_process_helps(
    watched, configured, monkeypatch
):
    monkeypatch.setattr(watched_thread, "FIRST_REST_S", 0.001)
    monkeypatch.setattr(watched_thread, "LONGEST_REST_S", 0.001)
    gate, failures = watched(configured(LOOPED)), []
    works, ends = threading.Event(), threading.Event()

    def clerk():
        failures.append(ValueError("a defect"))
        if len(failures) == 2:
            works.set()
            ends.wait(PATIENCE_S)
        raise failures[-1]

    thread = watched_thread.WatchedThread("clerk", clerk)
    gate.telemetry.onlookers = lambda: [thread]
    gate.daemon.start()
    thread.start()
    assert works.wait(PATIENCE_S)
    assert gate.telemetry.not_alive() is None
    assert gate.telemetry.not_ready() == "thread clerk failed and began anew: ValueError: a defect"
    told = samples(gate.telemetry.metrics_text())
    assert told["edge_gate_thread_up", "clerk"] == 0
    assert told["edge_gate_thread_failures_total", "clerk"] == 1
    assert told["edge_gate_thread_up", "sender-directory"] == 1
    assert told["edge_gate_thread_up", "keep-door"] == 1
    ends.set()
    assert thread.join(PATIENCE_S)
    assert gate.telemetry.not_alive() == "thread clerk gave up: ValueError: a defect"
    assert gate.telemetry.not_ready() == gate.telemetry.not_alive()


def test_a_source_that_never_gives_a_frame_makes_the_gate_not_ready(watched, configured):
    config = configured(LOOPED)
    gone = config.sources[0].uri.path.with_name("gone.mp4")
    gone.write_bytes(b"no video")
    uri = type(config.sources[0].uri)("file", f"file://{gone}")
    source = config.sources[0].model_copy(update={"uri": uri})
    gate = watched(config.model_copy(update={"sources": (source,)}))
    gate.daemon.start()
    until(lambda: gate.daemon.sources()[0].error)
    assert "no source gives frames: door:" in str(gate.telemetry.not_ready())


def test_settings_that_say_the_same_have_the_same_hash(configured):
    plain = config_hash(configured())
    assert config_hash(configured()) == plain
    assert config_hash(configured(", max_fps: 3")) != plain


def test_the_hash_tells_addresses_apart_but_not_passwords(configured):
    config = configured()

    def hash_of(address):
        source = config.sources[0].model_copy(update={"uri": parse_uri(address)})
        return config_hash(config.model_copy(update={"sources": (source,)}))

    one, two = hash_of("rtsp://root:one@camera/"), hash_of("rtsp://root:two@camera/")
    assert one == two != hash_of("rtsp://root:one@other/")


def baseline_file(tmp_path, material, pair_id=None):
    known = read_manifest(material / "pair").pair_id
    path = tmp_path / "door.baseline.json"
    write_baseline(Baseline((90.0,), (5, 500), 95.0, pair_id or known), path)
    return path


def frame_of(scores):
    """Return an observation of one face of each score, of a person each."""
    seen = []
    for number, score in enumerate(scores, start=1):
        quality = QualityScore(shift=1.0, quality=0.5, score=score)
        seen.append(SeenFace(BOX, number, replace(assessment(), quality=quality)))
    return Observation("door", None, Outcome(seen=tuple(seen)))


def test_scores_that_have_moved_are_told_once_and_so_is_their_return(
    configured, material, tmp_path, caplog
):
    now_s = [0.0]
    watch = DriftWatch(lambda: now_s[0])
    pair_id = read_manifest(material / "pair").pair_id
    watch.use(configured(f", baseline: {baseline_file(tmp_path, material)}"), pair_id)
    with caplog.at_level(logging.INFO, "edge.monitoring.drift_watch"):
        for now_s[0] in (0.0, 61.0, 122.0):
            watch.observe(frame_of([1.0] * 30))
        assert watch.drifts()["door"].alarm
        now_s[0] = 3800.0
        watch.observe(frame_of([99.5] * 60))
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("door: scores are lower than when tuned: lens dirty")
    assert second.startswith("door: scores are as when tuned again")


def test_a_reload_that_keeps_a_baseline_keeps_the_last_hour(configured, material, tmp_path):
    watch = DriftWatch(lambda: 0.0)
    pair_id = read_manifest(material / "pair").pair_id
    config = configured(f", baseline: {baseline_file(tmp_path, material)}")
    watch.use(config, pair_id)
    watch.observe(frame_of([1.0] * 30))
    before = watch.drifts()
    watch.use(config, pair_id)
    assert watch.drifts() == before
    assert before["door"].alarm


def test_a_baseline_of_another_pair_is_refused_at_the_start(
    watched, configured, material, tmp_path
):
    path = baseline_file(tmp_path, material, pair_id="0" * 12)
    with pytest.raises(ConfigError, match="run edge-gate tune again"):
        watched(configured(f", baseline: {path}"))


def test_check_points_at_a_baseline_of_another_pair(configured, material, tmp_path, capsys):
    path = baseline_file(tmp_path, material, pair_id="0" * 12)
    configured(f", baseline: {path}")
    assert main(["check", "--config", str(tmp_path / "gate.yaml")]) == 78
    assert "sources[0].baseline: " in capsys.readouterr().err
