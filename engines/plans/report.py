"""Plans for people: tables for a terminal."""

from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table

from engines.amounts import amount
from engines.graph.fp16_gate import Fp16Figures
from engines.pair.detector_plans import FaceFigures
from engines.pair.manifest import Manifest
from engines.plans.check import DetectorState, PlanState
from engines.plans.detector_check import DetectorChecked
from engines.plans.forecast import Forecast, ForecastPlan
from engines.tensorrt.fingerprint import Fingerprint
from engines.tensorrt.sidecar import DetectorAcceptance, DeviceAcceptance, Sidecar

Row = tuple[str, str]

_UNVERIFIED = "not verified on a device yet: run 'edge-gate pair verify DIR --device' there"
PRELU_WORDS = {"spelled": "spelled out", "joined": "one operator"}
_MINUTES = {
    "tensorrt": "minutes for each plan on a Jetson the first time, less with a timing cache",
    "rtx": "seconds for each plan",
}


def facts_table(rows: list[Row]) -> Table:
    """Return two columns, names in bold."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def plans_report(states: tuple[PlanState, ...]) -> RenderableType:
    """Return what the manifests of a pair's plans say, and whether they would load here."""
    return Group(*(facts_table(_plan_rows(state)) for state in states))


def detector_report(found: DetectorState) -> RenderableType:
    """Return what is said of a detector's plans, and whether they would load here."""
    rows: list[Row] = []
    if found.fault:
        rows.append(("detector's plans", found.fault))
    if found.plans is None:
        return facts_table(rows)
    rows.append(("detector", found.plans.detector))
    gate = found.plans.fp16_gate
    if gate is not None:
        rows += face_rows(gate, "FP16, emulated")
    for (name, network), state in zip(found.plans.networks.items(), found.states, strict=True):
        rows.append((f"  {name}", network.plan.name))
        if network.kept_because:
            rows.append(("    in FP32", f"FP16 of it alone: {network.kept_because}"))
        rows.append(("    loads here", state.fault or "as far as files tell"))
        accepted = state.sidecar and state.sidecar.detection
        rows.append(("    acceptance", _latency(accepted) if accepted else _UNVERIFIED))
    return facts_table(rows)


def detector_device_report(found: DetectorChecked) -> RenderableType:
    """Return what was measured of a detector on this device."""
    rows = face_rows(found.figures, "detector's plans")
    rows += [(f"  {name}", _latency(each)) for name, each in found.networks.items()]
    failed = f"FAILED: {'; '.join(found.missed)}: build again, or with --precision fp32"
    rows.append(("  verdict", failed if found.missed else "passed"))
    return facts_table(rows)


def _latency(found: DetectorAcceptance) -> str:
    return f"{found.latency_p50_ms:.2f} ms p50, {found.latency_p99_ms:.2f} ms p99 (CUDA events)"


def face_rows(figures: FaceFigures, what: str) -> list[Row]:
    """Return how far a detector's faces moved, and what by."""
    seen = amount(figures.photographs, "photograph")
    found = f"{amount(figures.faces, 'face')} on {seen}, {amount(figures.appeared, 'other')}"
    moved = (
        f"{figures.landmark_pixels:.2f} pixels at most, {figures.usual_pixels:.2f} in the median, "
        "of a face 112 wide"
    )
    return [
        (f"  {what}", f"{found}, against FP32"),
        ("  landmarks moved", moved),
        ("  boxes moved", f"{figures.box_pixels:.2f} pixels at most"),
        ("  scores moved", f"{figures.score:.3f} at most"),
    ]


def forecast_report(found: Forecast, flavour: str) -> RenderableType:
    """Return what a build would do."""
    rows: list[Row] = [("typing", found.typing or "strong from TensorRT 10 on, weak before")]
    rows.append(("memory", f"about {found.needed_bytes / 1e9:.1f} GB before TensorRT starts"))
    if found.workspace_bytes is not None:
        rows.append(("workspace", f"{found.workspace_bytes >> 20} MiB"))
    for plan in found.plans:
        rows += _forecast_rows(plan)
    if found.figures is not None:
        rows += figures_rows(found.figures)
    if found.detector is not None and found.detector.figures is not None:
        rows += face_rows(found.detector.figures, "detector, FP16 emulated")
        rows += [(f"  {name} in FP32", why) for name, why in found.detector.kept.items()]
    rows.append(("time", _MINUTES[flavour]))
    rows += [("obstacle", each) for each in found.obstacles] or [("verdict", "can be built here")]
    return facts_table(rows)


def figures_rows(figures: Fp16Figures) -> list[Row]:
    """Return what the FP16 gate measured."""
    found = figures.deviation
    rows = [
        ("FP16, emulated", f"on {amount(figures.face_images, 'face')} against FP32"),
        (
            "  largest activation",
            f"{figures.largest_activation:.4g} in {figures.largest_tensor} (FP16 ends at 65504)",
        ),
        ("  lowest cosine", f"{found.min_cosine:.7f}"),
    ]
    if found.shift_error is not None and found.relative_shift_error is not None:
        share = f"{found.relative_shift_error:.1%} of the shifts' interquartile range"
        rows.append(("  shift off by", f"{found.shift_error:.1e} at most, {share}"))
        rows.append(("  rank agreement", f"{found.rank_agreement:.5f} of quality (Spearman)"))
    return rows


def device_report(manifest: Manifest, found: DeviceAcceptance) -> Table:
    """Return what was measured on this device."""
    rows: list[Row] = [
        ("engine pair", manifest.pair_id),
        ("compared with", f"FP32 on the CPU, {amount(found.face_images, 'face')}"),
        *acceptance_rows(found),
        ("verdict", "passed" if found.passed else "FAILED: build again, or with --precision fp32"),
    ]
    return facts_table(rows)


def acceptance_rows(found: DeviceAcceptance) -> list[Row]:
    """Return the figures of a device acceptance."""
    rows: list[Row] = [("lowest cosine", f"{found.min_cosine:.7f}")]
    if found.shift_error is not None:
        rows.append(("shift off by", f"{found.shift_error:.1e} at most"))
        rows.append(("rank agreement", f"{found.rank_agreement:.5f} of quality (Spearman)"))
    latency = f"{found.latency_p50_ms:.2f} ms p50, {found.latency_p99_ms:.2f} ms p99"
    rows.append(("one face", f"{latency} (CUDA events, input to both embeddings)"))
    rows.append(("largest batch", f"{found.faces_per_second:,.0f} faces per second"))
    other = found.other_form
    if other is not None:
        slower = "slower" if other.passed else "not as FP32"
        text = f"{PRELU_WORDS[other.prelu]}: {other.latency_p50_ms:.2f} ms p50, {slower}, not kept"
        rows.append(("other PRelu", text))
    return rows


def _forecast_rows(plan: ForecastPlan) -> list[Row]:
    rows: list[Row] = [
        (f"plan {plan.role}", plan.name or "named after TensorRT and device"),
        ("  weights", f"{plan.weights_bytes / 1e6:.1f} MB, kernels come on top"),
        ("  2:4 layers", str(plan.two_four_layers)),
    ]
    if plan.uneven_layers:
        rows.append(("  uneven channels", uneven_text(plan.uneven_layers)))
    return rows


def uneven_text(layers: tuple[tuple[str, int], ...]) -> str:
    """Return which convolutions pay for channels they do not have."""
    few = ", ".join(f"{name} ({channels})" for name, channels in layers[:4])
    more = f" and {len(layers) - 4} more" if len(layers) > 4 else ""
    return f"{few}{more}: FP16 kernels work on 8 channels at a time, so these run rounded up"


def _plan_rows(state: PlanState) -> list[Row]:
    rows: list[Row] = [("plan", Path(state.path).name)]
    if state.sidecar is not None:
        rows += _sidecar_rows(state.sidecar)
    rows.append(("  loads here", "as far as files tell" if not state.fault else state.fault))
    return rows


def _sidecar_rows(sidecar: Sidecar) -> list[Row]:
    source, build, profile = sidecar.source, sidecar.build, sidecar.profile
    kept = ", ".join(source.kept_fp32) or "none"
    rows: list[Row] = [
        ("  built for", _machine(sidecar.fingerprint)),
        ("  network", f"{source.role}, ONNX SHA-256 {source.sha256}"),
        ("  size", f"{sidecar.plan_bytes:,} bytes, {amount(build.layers, 'layer')}"),
        ("  precision", f"{source.precision}, {build.typing} typing; in FP32: {kept}"),
        ("  PRelu", PRELU_WORDS[source.prelu]),
        ("  batch sizes", f"{profile.smallest} to {profile.largest}, tuned for {profile.usual}"),
        ("  flags", ", ".join(build.flags) or "none"),
        ("  2:4 layers", str(len(source.two_four_layers))),
        ("  build", f"{build.seconds:.0f} s, workspace {build.workspace_bytes >> 20} MiB"),
    ]
    accepted = sidecar.acceptance
    if accepted is None:
        return [*rows, ("  acceptance", _UNVERIFIED)]
    return [*rows, *((f"  {name}", value) for name, value in acceptance_rows(accepted))]


def _machine(fingerprint: Fingerprint) -> str:
    device = fingerprint.device or "any device"
    parts = [f"{fingerprint.flavour} {fingerprint.tensorrt}", fingerprint.architecture, device]
    if fingerprint.compute_capability:
        parts.append(f"compute capability {fingerprint.compute_capability}")
    if fingerprint.multiprocessors:
        parts.append(amount(fingerprint.multiprocessors, "multiprocessor"))
    parts += [f"{n} {v}" for n, v in (("CUDA", fingerprint.cuda), ("L4T", fingerprint.l4t)) if v]
    return ", ".join(parts)
