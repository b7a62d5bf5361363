"""A plan and its manifest are written so that nobody sees half of them."""

import pytest

from engines.plans.file import PlanParts, write_plan
from engines.tensorrt.errors import PlanIntegrityError
from engines.tensorrt.sidecar import read_sidecar, require_unchanged, sidecar_path
from tests.engines.tensorrt.plans import World, build, request_for, tiny_model


def test_the_manifest_describes_the_plan_beside_it(tmp_path):
    plan = World().write(tmp_path, tiny_model(tmp_path))
    sidecar = read_sidecar(plan)
    require_unchanged(plan, sidecar)
    assert (sidecar.input.name, sidecar.outputs[0].shape) == ("input", (8,))


@pytest.mark.parametrize(
    "content", [b"", b"no plan", b"vtrt" + bytes(20) + b"\1\7\1\x74 cut short"]
)
def test_what_is_too_short_for_a_plan_is_not_written(tmp_path, content):
    world, model = World(), tiny_model(tmp_path)
    plan = world.write(tmp_path / "good", model)
    sidecar = read_sidecar(plan)
    request = request_for(model)
    built = build(world.api(), request)
    broken = type(built)(content, 1, 1.0, (), None)
    parts = PlanParts(request, broken, sidecar.source, world.built_for(), sidecar.outputs)
    with pytest.raises(PlanIntegrityError):
        write_plan(tmp_path / "bad", parts)
    assert not (tmp_path / "bad").exists()


def test_rebuilding_replaces_plan_and_manifest(tmp_path):
    world = World()
    first = world.write(tmp_path, tiny_model(tmp_path))
    sidecar_path(first).write_text("{}")
    second = world.write(tmp_path, tiny_model(tmp_path))
    assert second == first
    require_unchanged(second, read_sidecar(second))
