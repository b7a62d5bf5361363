"""
Options of ONNX Runtime's execution providers.

Its TensorRT provider builds engines by itself, at the first run and for minutes; what it builds is
kept in the user's cache folder, one folder for each TensorRT and board, because the provider does
not notice that another machine's engines are there.
"""

from collections.abc import Sequence

import onnx

from engines.catalogue.cache import cache_folder
from engines.graph import graph
from engines.tensorrt.fingerprint import Fingerprint
from engines.tensorrt.host import this_machine
from engines.tensorrt.sidecar import USUAL_PROFILE, BatchProfile

Options = dict[str, str]

_TENSORRT = "TensorrtExecutionProvider"


def with_options(
    providers: Sequence[str], content: bytes, here: Fingerprint | None = None
) -> list[tuple[str, Options]]:
    """
    Return each provider with its options.

    Args:
        providers: In order of preference.
        content: The ONNX file, whose input decides the shapes to build for.
        here: This machine; None asks it.
    """
    options: dict[str, Options] = {}
    if _TENSORRT in providers:
        model = onnx.load_model_from_string(content)
        machine = here or this_machine("tensorrt")
        options[_TENSORRT] = tensorrt_options(model, machine, USUAL_PROFILE)
    return [(name, options.get(name, {})) for name in providers]


def tensorrt_options(model: onnx.ModelProto, here: Fingerprint, profile: BatchProfile) -> Options:
    """
    Return FP16, caches, and one profile for all batch sizes: without it each new size builds again.

    Args:
        model: Its first input has an open batch axis and fixed others.
        here: Names the cache folder.
        profile: Batch sizes to build for.
    """
    words = (here.tensorrt or "tensorrt", here.device or here.architecture, here.l4t or "any")
    name = "-".join("".join(c if c.isalnum() or c in "._" else "_" for c in w) for w in words)
    folder = cache_folder() / "onnxruntime-trt" / name
    folder.mkdir(parents=True, exist_ok=True)
    source = model.graph.input[0]
    row = "x".join(str(axis) for axis in (graph.dimensions(source) or ())[1:])
    sizes = {"min": profile.smallest, "opt": profile.usual, "max": profile.largest}
    return {
        "trt_fp16_enable": "1",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
        **{
            f"trt_profile_{which}_shapes": f"{source.name}:{size}x{row}"
            for which, size in sizes.items()
        },
    }
