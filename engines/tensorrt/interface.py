"""Is a loaded engine the one its manifest describes?"""

from typing import Any

from engines.tensorrt.api import Api
from engines.tensorrt.errors import PlanInterfaceError
from engines.tensorrt.load_gate import CheckedPlan
from engines.tensorrt.profile import ShapeProfile


def require_interface(api: Api, engine: Any, plan: CheckedPlan) -> None:
    """
    Compare names, types, lengths and batch sizes of an engine with its manifest.

    Raises:
        PlanInterfaceError: Names what the engine has and what was promised.
    """
    found, promised = _found(api, engine), _promised(plan)
    if found != promised:
        differing = [line for line in found if line not in promised] or list(found)
        raise PlanInterfaceError(
            f"{plan.path}: the engine has {'; '.join(differing)}, its manifest promises "
            f"{'; '.join(promised)}: {plan.remedy}"
        )


def _found(api: Api, engine: Any) -> tuple[str, ...]:
    trt, lines = api.module, []
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        shape = tuple(engine.get_tensor_shape(name))[1:]
        kind = "float32" if engine.get_tensor_dtype(name) == trt.float32 else "another type"
        if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
            least, usual, most = (tuple(e) for e in engine.get_tensor_profile_shape(name, 0))
            sizes = _sizes(ShapeProfile(smallest=least, usual=usual, largest=most))
            lines.append(f"input {name} {kind} {shape} in {sizes}")
        else:
            lines.append(f"output {name} {kind} {shape}")
    return tuple(sorted(lines))


def _promised(plan: CheckedPlan) -> tuple[str, ...]:
    sidecar = plan.sidecar
    sizes = _sizes(sidecar.input_shapes)
    lines = [f"input {sidecar.input.name} float32 {sidecar.input.shape} in {sizes}"]
    lines += [f"output {each.name} float32 {each.shape}" for each in sidecar.outputs]
    return tuple(sorted(lines))


def _sizes(shapes: ShapeProfile) -> str:
    if shapes.is_batches:
        return "batches of " + "/".join(str(shape[0]) for shape in shapes.all)
    return "shapes " + "/".join(str(shape) for shape in shapes.all)
