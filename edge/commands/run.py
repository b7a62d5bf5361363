"""`edge-gate run`: run the gate over the sources of a configuration file."""

import argparse
import os
from pathlib import Path

from edge.commands.check import check_surroundings
from edge.config.file import read_config
from edge.config.model import Config
from edge.service.logs import start_logging
from edge.service.run_files import run_files
from edge.service.supervisor import Supervisor
from edge.sources.open import live_source

EXAMPLES = """\
Files are read to their end, with progress. Cameras, and files in a loop or at their own speed, run
until SIGTERM or Ctrl-C; SIGHUP reads the configuration again, SIGUSR1 logs the ledger. Under
systemd everything runs as a service does. While they run, http://127.0.0.1:8787 shows a live page;
the section 'page' of the configuration says where, and to whom.

examples:
  edge-gate run --config configs/demo.yaml
  edge-gate run --config configs/rtsp.yaml --log text
  edge-gate check --config configs/demo.yaml       only look whether the file is right

Exit code: 0, 1 when some inputs failed, 64 for a wrong command line, 78 for a wrong configuration.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the configuration file and the form of the log."""
    parser.epilog = EXAMPLES
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="YAML file")
    parser.add_argument(
        "--log", choices=("json", "text"), help="default: text on a terminal, else json"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run until the files end, or until a signal."""
    config = read_config(arguments.config).config
    if not _is_service(config):
        return run_files(config)
    start_logging(arguments.log)
    return Supervisor(arguments.config, _read, live_source).run()


def _is_service(config: Config) -> bool:
    endless = any(
        source.uri.is_live or source.loop or source.pace == "timestamps"
        for source in config.sources
    )
    return endless or "NOTIFY_SOCKET" in os.environ


def _read(path: Path) -> Config:
    loaded = read_config(path)
    check_surroundings(loaded)
    return loaded.config
