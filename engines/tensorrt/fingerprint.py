"""
What a plan depends on: the library and the device it was built with.

A plan runs on the TensorRT version that built it and on devices like the one it was tuned on;
elsewhere it fails to load, or loads and is slow or wrong.
"""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One machine as seen by a plan; None where a fact is not known."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    flavour: str
    """tensorrt or rtx."""
    tensorrt: str | None
    """Version of the library, for example 10.3.0."""
    architecture: str
    """aarch64 or x86_64."""
    compute_capability: str | None = None
    """Of the GPU, for example 8.7 (Orin)."""
    multiprocessors: int | None = None
    """Streaming multiprocessors: an Orin Nano has 8, an AGX Orin 16, both are 8.7."""
    device: str | None = None
    """Name of the GPU or board."""
    cuda: str | None = None
    """Version of the CUDA runtime, for example 12.6."""
    l4t: str | None = None
    """Jetson Linux release, for example 36.4.3; None elsewhere."""


_LABELS = {
    "flavour": "library",
    "tensorrt": "TensorRT",
    "architecture": "architecture",
    "compute_capability": "compute capability",
    "multiprocessors": "multiprocessors",
}
"""What must be equal. Name, CUDA and L4T are recorded for people: same-version updates keep them
compatible, and a rebuild for nothing costs ten minutes."""


def differences(built: Fingerprint, here: Fingerprint) -> tuple[str, ...]:
    """
    Return why a plan built there cannot run here, one sentence part each; empty if it can.

    Facts that either side does not know are not compared: they are checked when CUDA is up.
    """
    found = []
    for field in fields(Fingerprint):
        label = _LABELS.get(field.name)
        ours, theirs = (getattr(each, field.name) for each in (here, built))
        if label is None or ours is None or theirs is None:
            continue
        if not _same(field.name, theirs, ours):
            found.append(f"built for {label} {theirs}, this machine has {ours}")
    return tuple(found)


def _same(name: str, first: object, second: object) -> bool:
    if name != "tensorrt":
        return first == second
    # The Python package says 10.3.0 where the plan says 10.3.0.30.
    pairs = zip(str(first).split("."), str(second).split("."), strict=False)
    return all(one == two for one, two in pairs)
