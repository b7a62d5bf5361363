"""The `engine` section: which library runs the networks of engine pair and detector."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from edge.config.section import AnyPath, Section

if TYPE_CHECKING:
    from engines.pair.execution import Execution

Provider = Literal["CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"]

GPU_TOGETHER = 4
"""Frames: more would let the first one wait too long."""


class EngineSettings(Section):
    """How the networks of the engine pair and of the detector are run."""

    backend: Literal["auto", "onnxruntime", "openvino", "plans"] = "auto"
    """
    auto: what the pair was built for (`pair build --backend`); the others insist. openvino runs
    any pair on the CPU, and needs `pip install 'edge-gate[openvino]'`; in bfloat16 only where the
    pair was built for that and the processor has it.
    """
    providers: Annotated[tuple[Provider, ...], Field(min_length=1, strict=False)] = (
        "CPUExecutionProvider",
    )
    """
    Of ONNX Runtime, in order of preference, for engine pair and detector; without this key
    CPUExecutionProvider. The first must be in use, or the gate does not start: ONNX Runtime itself
    would go on with the CPU and say nothing.
    """
    fallback: Literal["stop", "onnxruntime"] = "stop"
    """
    When the plans, or OpenVINO, do not load on this machine: stop with the command that mends it,
    or run with ONNX Runtime, slower, and warn in the log.
    """
    second_opinion: bool = True
    """
    Of a pair that was built with a second opinion (`pair build --second-opinion`): let it have its
    say. false lets the embedding shift decide alone, as the pair without it would.
    """
    pair_key: AnyPath | None = None
    """
    File of a public key (Ed25519, PEM): only engine pairs that its owner signed are opened; see
    `edge-gate pair sign --help`.
    """

    @model_validator(mode="after")
    def _has_a_use(self) -> "EngineSettings":
        if self.backend == "onnxruntime" and "fallback" in self.model_fields_set:
            raise ValueError(
                "fallback is for plans and OpenVINO; with backend onnxruntime leave it out"
            )
        return self


def execution_of(settings: EngineSettings) -> "Execution":
    """Return the settings as `open_pair` takes them."""
    # Whoever reads a configuration only, to check or to explain it, needs no networks.
    from engines.pair.execution import Execution  # noqa: PLC0415

    return Execution(
        backend=settings.backend,
        providers=settings.providers,
        fallback=settings.fallback,
        pair_key=settings.pair_key,
        second_opinion=settings.second_opinion,
    )


def frames_together(settings: EngineSettings, made_for: str) -> int:
    """
    Return from how many cameras faces are scored in one batch.

    A GPU takes a batch in little more time than one face. A CPU does not: a batch of four saves 6 %
    (measured, mobilefacenet512), while the first frame waits for detection in the others.

    Args:
        settings: Say what runs the pair.
        made_for: The manifest's backend.
    """
    from engines.pair.execution import library_of  # noqa: PLC0415 -- as above

    library = library_of(settings.backend, made_for)
    on_cpu = library == "openvino" or (
        library == "onnxruntime" and settings.providers[0] == "CPUExecutionProvider"
    )
    return 1 if on_cpu else GPU_TOGETHER
