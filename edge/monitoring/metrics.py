"""
What a running gate tells Prometheus.

Counters are read from the gate's own books when they are asked for, so that they cannot disagree
with them; only distributions are counted here. Names end in their unit (prometheus.io/docs/
practices/naming). The dashboard and the alert rules in `configs/observability` use these names.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Histogram, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from edge import __version__
from edge.monitoring.drift import Drift

PREFIX = "edge_gate"
SCORES = tuple(range(10, 100, 10))
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
STAGES = ("detect", "track", "align", "score", "decide", "encode", "deliver")
"""Values of the label `stage`."""


@dataclass(frozen=True, slots=True)
class CameraSnapshot:
    """One camera at one moment; counts start with the process and never go back."""

    name: str
    up: bool
    """Frames are coming, or are not expected to."""
    frames: Mapping[str, int]
    """By outcome: looked_at, late, replaced, failed, …."""
    faces: Mapping[str, int]
    """By reason; `forwarded` is one."""
    openings: int
    """How often the source was opened."""
    looks: Mapping[str, int] = field(default_factory=dict)
    """Faces that could be scored: `scored`, or `spared` because it could change nothing."""
    frame_age_s: float | None = None
    """Of the newest frame at its verdict; None before the first."""
    ages_ms: Mapping[int, float] = field(default_factory=dict)
    """Of the newest frames, by percentile; nothing before the first, and of files."""
    drift: Drift | None = None
    """None without a baseline, or when too few people were seen."""


@dataclass(frozen=True, slots=True)
class OutboxSnapshot:
    """The outbox at one moment."""

    faces: int
    bytes: int
    oldest_s: float
    """Age of the oldest face; 0 when it is empty."""
    dead: int
    """Faces that a sink will never take."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole gate at one moment."""

    pair_id: str
    config_hash: str
    reloaded: bool
    """Whether the newest configuration is in use; False after one that was refused."""
    overload: float = 1.0
    """How many times less often cameras are looked at than configured; 1 without overload."""
    cameras: Sequence[CameraSnapshot] = ()
    outbox: OutboxSnapshot | None = None
    deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By sink and result: delivered, failed, refused."""
    losses: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Lost connections, by sink and cause: taken_over, ended, lost."""
    drops: Mapping[str, int] = field(default_factory=dict)
    """
    Times that a sink missed a forwarded face, by place: `quota` of the outbox, `expired` in it,
    `purged` by the operator; `lost` with a damaged file or at a stop without a disk; `unkept` are
    those that neither disk nor memory could keep.
    """
    threads: Mapping[str, tuple[bool, int]] = field(default_factory=dict)
    """By name: whether all is well with it, and how often it failed in a way nobody foresaw."""


class Metrics:
    """Everything that is told, and the distributions that are counted here."""

    def __init__(self, read: Callable[[], Snapshot]) -> None:
        """
        Make the metrics of one process.

        Args:
            read: Called at each request, from any thread.
        """
        self._registry = CollectorRegistry()
        self._registry.register(_LedgerCollector(read))
        self._score = Histogram(
            f"{PREFIX}_score",
            "Quality score of scored faces, 0 to 100; higher is better.",
            ["camera"],
            buckets=SCORES,
            registry=self._registry,
        )
        self._stage = Histogram(
            f"{PREFIX}_stage_seconds",
            "Time spent in one stage, for one frame or one face.",
            ["stage"],
            buckets=SECONDS,
            registry=self._registry,
        )

    def scored(self, camera: str, score: float) -> None:
        """Count one scored face."""
        self._score.labels(camera).observe(score)

    def took(self, stage: str, seconds: float) -> None:
        """Count the time of one stage, one of `STAGES`."""
        self._stage.labels(stage).observe(seconds)

    def text(self) -> bytes:
        """Return the page `/metrics` in Prometheus's text format 0.0.4."""
        return generate_latest(self._registry)


class _LedgerCollector(Collector):
    """Turns a reading into metrics when asked."""

    def __init__(self, read: Callable[[], Snapshot]) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        """Name the metrics without reading: the registry asks while the gate is being made."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Read once, so that all figures are of one moment."""
        reading = self._read()
        yield from _about(reading)
        yield from _threads(reading.threads)
        yield from _cameras(reading.cameras)
        yield from _forwarded(reading)


def _gauge(name: str, text: str, labels: Sequence[str] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)


def _counter(name: str, text: str, labels: Sequence[str]) -> CounterMetricFamily:
    return CounterMetricFamily(f"{PREFIX}_{name}", text, labels=labels)


def _about(reading: Snapshot) -> Iterator[Metric]:
    info = _gauge("info", "What is running; always 1.", ("version", "pair_id", "config_hash"))
    info.add_metric([__version__, reading.pair_id, reading.config_hash], 1)
    yield info
    reloaded = _gauge("config_reload_success", "1 when the newest configuration is in use, else 0.")
    reloaded.add_metric([], float(reading.reloaded))
    yield reloaded
    overload = _gauge("overload", "Times less often looked at than configured; 1 without overload.")
    overload.add_metric([], reading.overload)
    yield overload


def _threads(threads: Mapping[str, tuple[bool, int]]) -> Iterator[Metric]:
    up = _gauge("thread_up", "1 when a thread works, 0 when it failed or is stuck.", ("thread",))
    failures = _counter(
        "thread_failures", "Times a thread failed in a way nobody foresaw.", ("thread",)
    )
    for name, (is_well, failed) in threads.items():
        up.add_metric([name], float(is_well))
        failures.add_metric([name], failed)
    yield from (up, failures)


def _cameras(cameras: Sequence[CameraSnapshot]) -> Iterator[Metric]:
    up = _gauge("camera_up", "1 when frames come or none are expected, else 0.", ("camera",))
    openings = _counter("camera_openings", "Times a source was opened.", ("camera",))
    frames = _counter("frames", "Frames received, by what became of them.", ("camera", "outcome"))
    faces = _counter("faces", "Faces found, by the gate's reason.", ("camera", "reason"))
    looks = _counter(
        "looks", "Faces to score, by whether the networks looked at them.", ("camera", "outcome")
    )
    age = _gauge("frame_age_seconds", "Age of the newest frame at its verdict.", ("camera",))
    ages = _gauge(
        "frame_age_percentile_seconds",
        "Age of the newest thousand frames at their verdict.",
        ("camera", "percentile"),
    )
    for each in cameras:
        up.add_metric([each.name], float(each.up))
        openings.add_metric([each.name], each.openings)
        for outcome, count in each.frames.items():
            frames.add_metric([each.name, outcome], count)
        for reason, count in each.faces.items():
            faces.add_metric([each.name, reason], count)
        for outcome, count in each.looks.items():
            looks.add_metric([each.name, outcome], count)
        if each.frame_age_s is not None:
            age.add_metric([each.name], each.frame_age_s)
        for percent, age_ms in each.ages_ms.items():
            ages.add_metric([each.name, str(percent)], age_ms / 1000)
    yield from (up, openings, frames, faces, looks, age, ages)
    yield from _drifts(cameras)


def _drifts(cameras: Sequence[CameraSnapshot]) -> Iterator[Metric]:
    psi = _gauge("score_psi", "Scores of the last hour against the tuned baseline.", ("camera",))
    limit = _gauge("score_psi_limit", "From this score_psi on it is a drift.", ("camera",))
    for each in cameras:
        if each.drift is not None:
            psi.add_metric([each.name], each.drift.psi)
            limit.add_metric([each.name], each.drift.limit)
    yield from (psi, limit)


def _forwarded(reading: Snapshot) -> Iterator[Metric]:
    deliveries = _counter("deliveries", "Attempts to deliver a face.", ("sink", "result"))
    for (sink, result), count in reading.deliveries.items():
        deliveries.add_metric([sink, result], count)
    drops = _counter("drops", "Times that a sink missed a forwarded face.", ("place",))
    for place, count in reading.drops.items():
        drops.add_metric([place], count)
    losses = _counter("connection_losses", "Lost connections of a sink.", ("sink", "cause"))
    for (sink, cause), count in reading.losses.items():
        losses.add_metric([sink, cause], count)
    yield from (deliveries, drops, losses)
    if reading.outbox is not None:
        yield from _outbox(reading.outbox)


def _outbox(outbox: OutboxSnapshot) -> Iterator[Metric]:
    for name, text, value in (
        ("outbox_faces", "Faces waiting for a sink.", outbox.faces),
        ("outbox_bytes", "Bytes of the faces waiting.", outbox.bytes),
        ("outbox_oldest_seconds", "Age of the oldest face waiting.", outbox.oldest_s),
        ("outbox_dead_faces", "Faces that a sink will never take.", outbox.dead),
    ):
        gauge = _gauge(name, text)
        gauge.add_metric([], value)
        yield gauge
