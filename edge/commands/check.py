"""`edge-gate check`: is a configuration right, and is there what it names?"""

import argparse
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from edge.commands.arguments.shared.configuration import configuration
from edge.config.delivery import DirectorySinkSettings, MqttSinkSettings
from edge.config.effective import CameraSettings, in_effect
from edge.config.file import LoadedConfig, line_of, read_config
from edge.config.model import Config
from edge.config.reader import KeyPath
from edge.config.tls import client_context, server_context
from edge.delivery.outbox_file import takes_outbox
from edge.detection.open import unobtained
from edge.diagnosis.doctor import Finding
from edge.diagnosis.preflight import decoder_findings
from edge.diagnosis.secret_findings import missing_secrets
from edge.diagnosis.service_view import hidden_paths, is_for_the_service
from edge.errors import ConfigError
from edge.history.file import takes_history
from edge.monitoring.baseline import read_baseline
from edge.pipeline.proof import unproved
from edge.pipeline.trial import device_findings, outbox_findings, tried_cameras, tried_sinks
from edge.printable import say
from edge.shadow_log.file import takes_shadow_log
from edge.sources.files import no_footage
from engines.errors import CatalogueError, PairError, PairSignatureError
from engines.pair.signature import is_signed_by, trusted_manifest
from engines.whole_folder import is_writable


def run(arguments: argparse.Namespace) -> int:
    """Print that all is well and what was not looked at; with --connect what came of trying."""
    path = configuration(arguments)
    loaded = read_config(path)
    check_surroundings(loaded, prove=arguments.prove or arguments.connect)
    say(f"{path}: OK: {_summary(loaded.config)}")
    if arguments.connect:
        return _connected(loaded.config)
    say("\n".join(_left_open(loaded.config, proved=arguments.prove)))
    return 0


def _left_open(config: Config, *, proved: bool) -> Iterator[str]:
    answers = "whether cameras and sinks answer (--connect)"
    if proved:
        yield f"not tried: {answers}"
        return
    yield f"not tried: whether pair, detector and decoders open (--prove), {answers}"
    missing = unobtained(config.detector)
    if missing is not None:
        yield f"not here yet, so that the first start obtains it: detector {missing}"


def _connected(config: Config) -> int:
    """Try everything once, print what came of it as it comes; 1 when something does not work."""
    opened = Finding("pair", "ok", f"{config.pair} opens and meets its golden vectors")
    tried = chain(
        [opened],
        device_findings(config.sources),
        decoder_findings(config.sources),
        tried_cameras(config.sources),
        tried_sinks(config),
        outbox_findings(config.delivery.outbox),
    )
    is_well = True
    for finding in tried:
        is_well = is_well and finding.state != "problem"
        say(f"{finding.state:8} {finding.topic}: {finding.text}")
        if finding.remedy:
            say(f"{'':8}   -> {finding.remedy}")
    return 0 if is_well else 1


def check_surroundings(loaded: LoadedConfig, *, prove: bool = False) -> None:
    """
    Look whether there is what a configuration names.

    Args:
        loaded: The configuration.
        prove: Open engine pair and detector too, when nothing else is wrong.

    Raises:
        ConfigError: One line for each thing that is missing, cannot be read or written, or is not
            what it should be.
    """
    mistakes = list(_seen_by_the_service(loaded))
    if prove and not mistakes:
        mistakes = list(unproved(loaded.config))
    if mistakes:
        lines = (line_of(loaded.document, path, what) for path, what in mistakes)
        raise ConfigError("\n".join(lines))


def _seen_by_the_service(loaded: LoadedConfig) -> Iterator[tuple[KeyPath, str]]:
    of_unit = is_for_the_service(loaded.document.path)
    hidden = dict(hidden_paths(loaded.config)) if of_unit else {}
    yield from hidden.items()
    secrets = missing_secrets(loaded.config, of_unit=of_unit)
    for path, what in chain(_mistakes(loaded.config), secrets):
        if path not in hidden:
            yield path, what


def _mistakes(config: Config) -> Iterator[tuple[KeyPath, str]]:
    yield from _mistakes_of_pair(config)
    yield from _mistakes_of_detector(config)
    for index, source in enumerate(config.sources):
        # A camera may be off for a while; a recording that is missing is a mistake.
        wrong = _wrong_footage(source.uri.path) if source.uri.scheme == "file" else None
        if wrong:
            yield ("sources", index, "uri"), wrong
    for index, sink in enumerate(config.sinks):
        if isinstance(sink, DirectorySinkSettings) and not is_writable(sink.path):
            yield ("sinks", index, "path"), f"is no folder that can be written: {sink.path}"
    yield from _mistakes_of_orders(config)
    yield from _mistakes_of_state(config)
    yield from _mistakes_of_certificates(config)


def _mistakes_of_detector(config: Config) -> Iterator[tuple[KeyPath, str]]:
    model = config.detector.model
    wrong = None if model is None else _unreadable(model)
    if wrong:
        yield ("detector", "model"), wrong
        return
    try:
        unobtained(config.detector)
    except CatalogueError as error:
        yield ("detector",), str(error)


def _mistakes_of_orders(config: Config) -> Iterator[tuple[KeyPath, str]]:
    for index, sink in enumerate(config.sinks):
        desired = sink.desired if isinstance(sink, MqttSinkSettings) else None
        if desired is None:
            continue
        try:
            is_signed_by(b"", b"", desired.key)  # reads the key
        except PairSignatureError as error:
            yield ("sinks", index, "desired", "key"), str(error)
        if not _takes_file(desired.newest):
            yield ("sinks", index, "desired", "newest"), f"cannot be written: {desired.newest}"


def _mistakes_of_certificates(config: Config) -> Iterator[tuple[KeyPath, str]]:
    for section, entries in (("sources", config.sources), ("sinks", config.sinks)):
        for index, entry in enumerate(entries):
            ours = getattr(entry, "client_certificate", None), getattr(entry, "client_key", None)
            for key, files in (
                ("ca_file", (getattr(entry, "ca_file", None), None, None)),
                ("client_certificate", (None, *ours)),
            ):
                wrong = _wrong_certificates(*files) if any(files) else None
                if wrong is not None:
                    yield (section, index, key), wrong
    page = config.page
    if page.enabled and page.certificate is not None and page.key is not None:
        try:
            server_context(page.certificate, page.key)
        except ConfigError as error:
            yield ("page", "certificate"), str(error)


def _wrong_certificates(
    ca_file: Path | None, certificate: Path | None, key: Path | None
) -> str | None:
    try:
        client_context(ca_file, certificate, key)
    except ConfigError as error:
        return str(error)
    return None


def _mistakes_of_state(config: Config) -> Iterator[tuple[KeyPath, str]]:
    outbox, log, history = config.delivery.outbox, config.shadow_log, config.page.history
    if outbox is not None and not _takes_file(outbox.path):
        yield ("delivery", "outbox", "path"), f"cannot be written: {outbox.path}"
    elif outbox is not None and not takes_outbox(outbox.path):
        yield ("delivery", "outbox", "path"), f"is no outbox, name another file: {outbox.path}"
    if history is not None and not _takes_file(history):
        yield ("page", "history"), f"cannot be written: {history}"
    elif history is not None and history.exists() and not takes_history(history):
        yield ("page", "history"), f"is no history, name another file: {history}"
    if log is None:
        return
    if not _takes_file(log.path):
        yield ("shadow_log", "path"), f"cannot be written: {log.path}"
    elif log.path.exists() and not takes_shadow_log(log.path):
        yield ("shadow_log", "path"), f"is no shadow log, name another file: {log.path}"


def _mistakes_of_pair(config: Config) -> Iterator[tuple[KeyPath, str]]:
    try:
        pair_id = trusted_manifest(config.pair, config.engine.pair_key).pair_id
    except PairError as error:
        yield ("pair",), str(error)
        return
    for index, source in enumerate(config.sources):
        wrong = source.baseline and _wrong_baseline(source.baseline, pair_id)
        if wrong:
            yield ("sources", index, "baseline"), wrong


def _wrong_baseline(path: Path, pair_id: str) -> str | None:
    try:
        read_baseline(path, pair_id)
    except ConfigError as error:
        return str(error)
    return None


def _takes_file(named: Path) -> bool:
    path = Path(os.path.realpath(named))  # a link may lead to what is not made yet
    if not os.path.exists(path):  # noqa: PTH110 -- Path's own raises where a name is too long
        return is_writable(path)
    return path.is_file() and os.access(path, os.W_OK) and is_writable(path.parent)


def _unreadable(path: Path, *, may_be_folder: bool = False) -> str | None:
    if not os.access(path, os.R_OK):
        return f"cannot be read: {path}"
    if path.is_file() or (may_be_folder and path.is_dir()):
        return None
    return f"is no file{' and no folder' if may_be_folder else ''}: {path}"  # a pipe, a device


def _wrong_footage(path: Path) -> str | None:
    return _unreadable(path, may_be_folder=True) or no_footage(path)


def _summary(config: Config) -> str:
    limits = {source.name: _limit(in_effect(config, source).faces) for source in config.sources}
    sinks = ", ".join(sink.name for sink in config.sinks)
    if len(set(limits.values())) == 1:
        shared = next(iter(limits.values()))
        return f"{', '.join(limits)} -> {config.detector.name} -> {shared} -> {sinks}"
    sources = ", ".join(f"{name} ({limit})" for name, limit in limits.items())
    return f"{sources} -> {config.detector.name} -> {sinks}"


def _limit(faces: CameraSettings) -> str:
    if faces.threshold is None:
        return f"shift_at_most {faces.gate.shift_at_most:g}"
    return f"threshold {faces.threshold:g}"
