"""
The first 28 bytes of a plan, readable without TensorRT and without a GPU.

Layout, as `trtexec` reads it (TensorRT samples, sampleEngines.cpp, printPlanVersion) and as genuine
TensorRT-RTX plans show it: four letters (`ftrt`, or `vtrt` for RTX) at 0, the serialisation version
at 4, in RTX plans the size of the file at 16, and one byte each of major, minor, patch and build at
24. Integers are little-endian. This is serialisation 0; TensorRT 8.5 and others write other heads,
and what is not known is not judged: the manifest's SHA-256 covers every plan.
"""

import struct
from dataclasses import dataclass
from typing import Literal

from engines.tensorrt.errors import PlanIntegrityError

HEADER_BYTES = 28
KNOWN_SERIALISATION = 0
_LAYOUT = struct.Struct("<4sI8xQ4B")
_FLAVOURS: dict[bytes, Literal["tensorrt", "rtx"]] = {b"ftrt": "tensorrt", b"vtrt": "rtx"}

Version = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class PlanHeader:
    """What a plan says of itself."""

    flavour: Literal["tensorrt", "rtx"]
    version: Version
    """Of the TensorRT that built it: major, minor, patch, build."""

    @property
    def version_text(self) -> str:
        """Return the version as TensorRT prints its own, for example 10.3.0.30."""
        return ".".join(str(part) for part in self.version)


def read_header(head: bytes, size: int, name: str) -> PlanHeader | None:
    """
    Return what the head of a plan says; None where its layout is none that we know.

    Args:
        head: The first 28 bytes of the file, or all of it.
        size: Bytes of the whole file.
        name: Of the file, for the message.

    Raises:
        PlanIntegrityError: Too short for any plan, or (RTX) another size than it declares. The size
            field of plain TensorRT plans is not documented, so it is not judged.
    """
    if len(head) < HEADER_BYTES:
        raise PlanIntegrityError(f"{name}: {len(head)} bytes are no plan: copy or build it again")
    letters, serialisation, declared, *version = _LAYOUT.unpack_from(head)
    flavour = _FLAVOURS.get(letters)
    if flavour is None or serialisation != KNOWN_SERIALISATION:
        return None
    if flavour == "rtx" and declared != size:
        raise PlanIntegrityError(f"{name}: is {size} bytes, declares {declared}: copy it again")
    major, minor, patch, build = version
    return PlanHeader(flavour, (major, minor, patch, build))
