"""`edge-gate doctor`: what this machine has, what is wrong with it, and what to run about it."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from rich.table import Table
from rich.text import Text

from edge.config.engine import execution_of
from edge.config.file import read_config
from edge.config.model import Config
from edge.config.reader import key_name
from edge.console import Screen
from edge.diagnosis.detector_findings import detector_findings, detector_plan_findings
from edge.diagnosis.device_nodes import DeviceNode, device_nodes, drop_in
from edge.diagnosis.doctor import (
    Finding,
    library_findings,
    machine_findings,
    node_findings,
    openvino_finding,
    pair_findings,
)
from edge.diagnosis.jetson import read_jetson
from edge.diagnosis.preflight import (
    decoder_findings,
    memory_findings,
    python_findings,
)
from edge.diagnosis.service_findings import service_findings
from edge.diagnosis.service_view import hidden_paths, is_for_the_service
from edge.pipeline.trial import device_findings, outbox_findings, tried_cameras
from engines.errors import EnginesError
from engines.pair.execution import Execution, library_of
from engines.pair.manifest import read_manifest
from engines.tensorrt.probe import probe

_STYLES = {"ok": "green", "note": "dim", "problem": "bold red"}


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 1 if one of them is a problem."""
    if arguments.device_dropin:
        sys.stdout.write(drop_in(device_nodes()))
        return 0
    findings = _findings(arguments)
    if arguments.json:
        sys.stdout.write(f"{json.dumps([asdict(each) for each in findings], indent=2)}\n")
    else:
        _show(findings)
    return int(any(each.state == "problem" for each in findings))


def _findings(arguments: argparse.Namespace) -> list[Finding]:
    pairs = [(folder, Execution()) for folder in arguments.pair]
    config = None if arguments.config is None else read_config(arguments.config).config
    if config is not None:
        pairs.append((config.pair, execution_of(config.engine)))
    jetson, answers, nodes = read_jetson(), probe(), device_nodes()
    needs_plans = any(_needs_tensorrt(folder) for folder, _ in pairs)
    found = [
        *machine_findings(jetson),
        *python_findings(),
        *library_findings(answers, jetson, needs_plans),
        openvino_finding(
            any(_needs_openvino(*pair) for pair in pairs)
            or (config is not None and config.detector.backend == "openvino")
        ),
        *node_findings(nodes),
        *_service(config, arguments.config, nodes),
    ]
    for folder, execution in pairs:
        found += pair_findings(folder, execution, answers)
        chosen = None if config is None or folder != config.pair else config.detector
        found += detector_plan_findings(folder, chosen)
        found += memory_findings(folder, builds_here=jetson.l4t is not None)
    if config is not None:
        found += detector_findings(config, answers)
    return found


def _service(config: Config | None, path: Path, nodes: tuple[DeviceNode, ...]) -> Iterator[Finding]:
    if config is None:
        yield from service_findings(nodes)
        return
    of_service = is_for_the_service(path)
    yield from service_findings(nodes, (path, config.pair) if of_service else ())
    yield from decoder_findings(config.sources)
    yield from device_findings(config.sources)
    yield from outbox_findings(config.delivery.outbox)
    # The others may be open in the gate, which is no fault.
    yield from tried_cameras([source for source in config.sources if source.uri.is_network])
    if of_service:
        yield from _unseen(config)


def _unseen(config: Config) -> list[Finding]:
    told = ((key, what.rpartition(": ")) for key, what in hidden_paths(config))
    return [Finding(key_name(key), "problem", what, remedy) for key, (what, _, remedy) in told]


def _needs_tensorrt(folder: Path) -> bool:
    try:
        return read_manifest(folder).backend == "tensorrt"
    except EnginesError:
        return False


def _needs_openvino(folder: Path, execution: Execution) -> bool:
    try:
        return library_of(execution.backend, read_manifest(folder).backend) == "openvino"
    except EnginesError:
        return execution.backend == "openvino"


def _show(findings: Iterable[Finding]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(style="bold", overflow="fold", max_width=28)
    table.add_column(overflow="fold")
    for each in findings:
        text = f"{each.text}\n  -> {each.remedy}" if each.remedy else each.text
        table.add_row(Text(each.state, _STYLES[each.state]), each.topic, text)
    Screen(highlight=False, markup=False).print(table)
