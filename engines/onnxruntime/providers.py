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
from engines.tensorrt.profile import USUAL_PROFILE, BatchProfile, ShapeProfile

Options = dict[str, str]

_TENSORRT = "TensorrtExecutionProvider"


def with_options(
    providers: Sequence[str],
    content: bytes,
    here: Fingerprint | None = None,
    shapes: ShapeProfile | None = None,
) -> list[tuple[str, Options]]:
    """
    Return each provider with its options.

    Args:
        providers: In order of preference.
        content: The ONNX file, whose input decides the shapes to build for.
        here: This machine; None asks it.
        shapes: See `tensorrt_options`.
    """
    options: dict[str, Options] = {}
    if _TENSORRT in providers:
        model = onnx.load_model_from_string(content)
        machine = here or this_machine("tensorrt")
        options[_TENSORRT] = tensorrt_options(model, machine, USUAL_PROFILE, shapes)
    return [(name, options.get(name, {})) for name in providers]


def tensorrt_options(
    model: onnx.ModelProto,
    here: Fingerprint,
    profile: BatchProfile,
    shapes: ShapeProfile | None = None,
) -> Options:
    """
    Return precision, caches, and one profile for all inputs: without it each new size builds again.

    Args:
        model: Its first input has an open batch axis and fixed others, unless `shapes` is given.
        here: Names the cache folder.
        profile: Batch sizes to build for.
        shapes: Inputs of a network without golden vectors, such as a detector's: in FP32, since
            nothing would notice what FP16 does to it. None: batches of one shape, in FP16.
    """
    words = (here.tensorrt or "tensorrt", here.device or here.architecture, here.l4t or "any")
    name = "-".join("".join(c if c.isalnum() or c in "._" else "_" for c in w) for w in words)
    folder = cache_folder() / "onnxruntime-trt" / name
    folder.mkdir(parents=True, exist_ok=True)
    source = model.graph.input[0]
    stated = graph.dimensions(source) or ()
    wanted = shapes or ShapeProfile.batches(profile, tuple(axis or 0 for axis in stated[1:]))
    return {
        "trt_fp16_enable": "1" if shapes is None else "0",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
        **(_profile(source.name, wanted) if None in stated else {}),
    }


def _profile(name: str, shapes: ShapeProfile) -> Options:
    """Return the options for an input that has several sizes; one of a fixed size takes none."""
    texts = ("x".join(str(axis) for axis in shape) for shape in shapes.all)
    return {
        f"trt_profile_{which}_shapes": f"{name}:{text}"
        for which, text in zip(("min", "opt", "max"), texts, strict=True)
    }
