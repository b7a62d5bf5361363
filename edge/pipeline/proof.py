"""Would what a configuration runs by open here? Asked before a gate is told to take it."""

from collections.abc import Iterator

from edge.config.engine import execution_of
from edge.config.model import Config
from edge.config.reader import KeyPath
from edge.detection.open import require_located
from edge.diagnosis.preflight import decoder_findings
from edge.errors import DetectorError
from engines.errors import EnginesError, PairIntegrityError
from engines.pair.execution import library_of
from engines.pair.pair import golden_vectors_of, open_pair
from engines.pair.signature import trusted_manifest
from engines.plans.check import plan_states


def unproved(config: Config) -> Iterator[tuple[KeyPath, str]]:
    """
    Yield the keys whose networks or decoders do not open, and why; nothing is downloaded.

    ONNX files are opened and compute their golden vectors. Plans are judged by their files: a
    second process on the GPU could take the memory that the running gate needs.
    """
    try:
        _prove_pair(config)
    except EnginesError as error:
        yield ("pair",), str(error)
    try:
        require_located(config)
    except (DetectorError, EnginesError) as error:
        yield ("detector",), str(error)
    yield from _missing_decoders(config)


def _missing_decoders(config: Config) -> Iterator[tuple[KeyPath, str]]:
    for index, source in enumerate(config.sources):
        for finding in decoder_findings([source]):
            if finding.state == "problem":
                yield ("sources", index), f"{finding.topic}: {finding.text}; {finding.remedy}"


def _prove_pair(config: Config) -> None:
    execution = execution_of(config.engine)
    manifest = trusted_manifest(config.pair, execution.pair_key)
    if library_of(execution.backend, manifest.backend) != "plans" or not manifest.plans:
        open_pair(config.pair, config.threads, execution).close()
        return
    golden_vectors_of(config.pair, manifest)
    faults = [state.fault for state in plan_states(config.pair, manifest) if state.fault]
    if faults and execution.fallback == "stop":
        raise PairIntegrityError("; ".join(faults))
