"""`edge-gate run`: run the gate over the sources of a configuration file."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from edge.assess import assess_frame
from edge.assess_files import assessments
from edge.config import effective_gate
from edge.config_file import read_config
from edge.detector import open_detector
from edge.encode import to_delivery
from edge.errors import EdgeError
from edge.protocols import Sink
from edge.record import face_record
from edge.reporting import console, progress, summary
from edge.samples import Assessment
from edge.settings_engine import execution_of
from edge.sink import open_sink
from edge.source_file import open_files
from engines.pair import open_pair

EXAMPLES = """\
examples:
  edge-gate run --config configs/demo.yaml
  edge-gate check --config configs/demo.yaml       only look whether the file is right

Exit code: 0, 1 when some inputs failed, 64 for a wrong command line, 78 for a wrong configuration.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the configuration file."""
    parser.epilog = EXAMPLES
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="YAML file")


def run(arguments: argparse.Namespace) -> int:
    """Take every source through the gate and send what it forwards to every sink."""
    config = read_config(arguments.config).config
    shown_on = console()
    problems: list[EdgeError] = []
    with (
        progress(shown_on) as bars,
        open_pair(config.pair, config.threads, execution_of(config.engine)) as pair,
    ):
        detector = open_detector(config.detector, bars)
        sinks = [open_sink(settings) for settings in config.sinks]
        for source in config.sources:
            gate = effective_gate(config, source)
            assess = partial(assess_frame, detector=detector, pair=pair, gate=gate)
            files = open_files([source.uri.path], problems.append)
            records = []
            for assessment in assessments(files, assess, bars, problems.append):
                records.append(face_record(assessment))
                _forward(assessment, sinks)
            shown_on.print(f"{source.name}: {summary(records)}", markup=False)
    for problem in problems:
        shown_on.print(f"failed: {problem}", markup=False, style="red")
    return 1 if problems else 0


def _forward(assessment: Assessment, sinks: Sequence[Sink]) -> None:
    if assessment.verdict.forward:
        delivery = to_delivery(assessment)
        for sink in sinks:
            sink.send(delivery)
