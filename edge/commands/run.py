"""`edge-gate run`: run the gate over the sources of a configuration file."""

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.commands import HELD
from edge.commands.arguments.shared.configuration import configuration
from edge.config.file import read_config
from edge.config.model import Config
from edge.detection.open import unobtained
from edge.errors import ConfigError, DetectorError
from edge.service.logs import start_logging
from edge.service.notify import is_service
from edge.service.run_files import run_files
from engines.errors import CatalogueError, PairError
from engines.onnxruntime.heap import keep_heap_small


def run(arguments: argparse.Namespace) -> int:
    """Run until the files end, or until a signal."""
    keep_heap_small()
    path = configuration(arguments)
    config = read_config(path).config
    if _is_service(config):
        start_logging(arguments.log)
        return _serve(path, config)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)  # files end with their terminal
    with _said_of(path, PairError, DetectorError):
        return run_files(config)


def _serve(path: Path, config: Config) -> int:
    # Not above: a run over files needs none of it, and would start 50 ms later.
    from edge.service.supervisor import Supervisor  # noqa: PLC0415
    from edge.sources.open import live_source  # noqa: PLC0415

    with _said_of(path, PairError, DetectorError, CatalogueError):
        missing = unobtained(config.detector) if is_service() else None
        if missing is not None:  # a service's sandbox lets nothing be fetched
            raise CatalogueError(missing)
        return Supervisor(path, _read, live_source).run()


@contextmanager
def _said_of(path: Path, *errors: type[Exception]) -> Iterator[None]:
    """Take errors for mistakes of a configuration, since another start would not mend them."""
    try:
        yield
    except errors as error:
        # systemd does not try again when it is told so.
        raise ConfigError(f"{path}: {error}") from error


def _is_service(config: Config) -> bool:
    endless = any(
        source.uri.is_live or source.loop or source.pace == "timestamps"
        for source in config.sources
    )
    return endless or is_service()


def _read(path: Path) -> Config:
    from edge.commands.check import check_surroundings  # noqa: PLC0415 -- as in _serve

    loaded = read_config(path)
    check_surroundings(loaded)
    return loaded.config
