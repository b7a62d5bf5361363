"""
How a plan gets its FP16: written in the graph (strong typing), or chosen by TensorRT (weak).

TensorRT 8.x knows only weak typing, 11 only strong; 10 knows both and deprecates weak. Strong is
preferred wherever it exists, since then the graph that the FP16 gate measured is the graph built.
"""

from typing import Any, Literal

from engines.tensorrt.api import Api
from engines.tensorrt.errors import BuildError

Typing = Literal["strong", "weak"]


def choose_typing(api: Api, wanted: Literal["auto", "strong", "weak"]) -> Typing:
    """
    Return the typing to build with.

    Raises:
        BuildError: This library does not offer the wanted one.
    """
    offered: list[Typing] = []
    if "strong_typing" in api.features:
        offered.append("strong")
    if "weak_typing" in api.features:
        offered.append("weak")
    if wanted == "auto" and offered:
        return offered[0]
    if wanted in offered:
        return wanted
    raise BuildError(
        f"TensorRT {api.version} offers no {wanted} typing, only {' and '.join(offered) or 'none'}:"
        " use --typing auto"
    )


def network_flags(api: Api, typing: Typing) -> int:
    """Return the bits for `create_network`, each by its name in this version."""
    flags = api.module.NetworkDefinitionCreationFlag
    bits = 0
    if typing == "strong":
        bits |= 1 << int(flags.STRONGLY_TYPED)
    elif "explicit_batch" in api.features:
        bits |= 1 << int(flags.EXPLICIT_BATCH)
    return bits


def keep_full_precision(api: Api, network: Any, kept: tuple[str, ...]) -> tuple[str, ...]:
    """
    Pin layers to FP32 in a weakly typed network and return the names that were pinned.

    TensorRT names a layer after the ONNX node it came from, and makes none of a node that does
    nothing (Identity, Dropout), so not every name need be found.

    Raises:
        BuildError: No name is found, so nothing would be kept in FP32.
    """
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    pinned = tuple(layer.name for layer in layers if layer.name in kept and _pin(api.module, layer))
    if kept and not pinned:
        raise BuildError(
            f"TensorRT made no layer of {', '.join(kept)}, so none can be kept in FP32: "
            "name other nodes with --keep-fp32"
        )
    return pinned


def _pin(trt: Any, layer: Any) -> bool:
    """Shape arithmetic is integer; only float layers have a precision to choose."""
    count = layer.num_outputs
    if any(layer.get_output(index).dtype != trt.float32 for index in range(count)):
        return False
    layer.precision = trt.float32
    for index in range(count):
        layer.set_output_type(index, trt.float32)
    return True
