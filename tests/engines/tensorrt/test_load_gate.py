"""Everything that can be asked of a plan without a GPU, in the order in which it is asked."""

import json
from dataclasses import replace

import pytest

from engines.catalogue.cache import sha256_of
from engines.tensorrt.errors import CudaError, PlanIntegrityError, PlanMismatchError
from engines.tensorrt.load_gate import PlanFile, check_device, check_plan
from engines.tensorrt.sidecar import read_sidecar, sidecar_path
from tests.engines.tensorrt.fake_gpu import ORIN_NANO
from tests.engines.tensorrt.plans import World, tiny_model


@pytest.fixture
def plan(tmp_path):
    return World().write(tmp_path / "pair", tiny_model(tmp_path))


def edit(plan, **changes):
    """Change the manifest and keep its hash of the plan true."""
    content = json.loads(sidecar_path(plan).read_text())
    content.update({"plan_sha256": sha256_of(plan), **changes})
    sidecar_path(plan).write_text(json.dumps(content))


def test_a_plan_of_this_machine_passes(plan):
    assert check_plan(plan, World().here()).path == plan


def test_the_name_says_network_precision_batches_library_and_device(plan):
    sha256 = read_sidecar(plan).source.sha256
    assert plan.name == f"dense-{sha256[:8]}-fp16-b1_2_4-trt10.3.0-sm8.7x8.plan"


def test_a_plan_without_manifest_is_refused_first(plan):
    sidecar_path(plan).unlink()
    plan.write_bytes(b"whatever")
    with pytest.raises(PlanIntegrityError, match="without its manifest is not trusted"):
        check_plan(plan, World().here())


def test_a_missing_plan_is_refused(plan):
    plan.unlink()
    with pytest.raises(PlanIntegrityError, match="No such file"):
        check_plan(plan, World().here())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema_version": 2}'])
def test_a_damaged_manifest_is_refused(plan, content):
    sidecar_path(plan).write_bytes(content)
    with pytest.raises(PlanIntegrityError, match="build the plan again"):
        check_plan(plan, World().here())


def test_a_hash_that_was_taken_already_is_not_taken_again_and_is_compared(plan, monkeypatch):
    sha256 = sha256_of(plan)
    monkeypatch.setattr("engines.tensorrt.sidecar.sha256_of", None)
    assert check_plan(PlanFile(plan, sha256=sha256), World().here()).path == plan
    with pytest.raises(PlanIntegrityError, match="SHA-256 is 0000"):
        check_plan(PlanFile(plan, sha256="0" * 64), World().here())


def test_one_flipped_bit_is_found_by_the_hash(plan):
    content = bytearray(plan.read_bytes())
    content[len(content) // 2] ^= 1
    plan.write_bytes(content)
    with pytest.raises(PlanIntegrityError, match="SHA-256 is"):
        check_plan(plan, World().here())


def test_a_plan_whose_head_has_a_layout_of_its_own_is_covered_by_its_hash(plan):
    # As TensorRT 8.5 writes them: other letters first, the version elsewhere.
    plan.write_bytes(b"ptrt" + plan.read_bytes()[4:])
    edit(plan)
    assert check_plan(plan, World().here()).path == plan
    plan.write_bytes(plan.read_bytes() + b"!")
    with pytest.raises(PlanIntegrityError, match="SHA-256 is"):
        check_plan(plan, World().here())


def test_such_a_plan_of_another_tensorrt_is_known_by_its_manifest(plan):
    plan.write_bytes(b"ptrt" + plan.read_bytes()[4:])
    edit(plan)
    with pytest.raises(PlanMismatchError, match=r"built for TensorRT 10\.3\.0, this machine has"):
        check_plan(plan, replace(World().here(), tensorrt="10.7.0"))


def test_a_manifest_that_claims_another_version_than_the_plan_is_refused(plan):
    fingerprint = json.loads(sidecar_path(plan).read_text())["fingerprint"]
    edit(plan, fingerprint={**fingerprint, "tensorrt": "10.7.0"})
    with pytest.raises(PlanIntegrityError, match=r"the plan says tensorrt 10\.3\.0\.0") as caught:
        check_plan(PlanFile(plan, "build it"), replace(World().here(), tensorrt="10.7.0"))
    assert str(caught.value).endswith(": run 'build it' here")


def test_a_plan_of_another_tensorrt_names_both_and_the_rebuild_command(plan):
    with pytest.raises(PlanMismatchError) as caught:
        check_plan(PlanFile(plan, "build it"), replace(World().here(), tensorrt="10.7.0"))
    assert "built for TensorRT 10.3.0.0, this machine has 10.7.0" in str(caught.value)
    assert str(caught.value).endswith(": run 'build it' here")


def test_a_plan_of_another_device_is_found_once_cuda_has_answered(plan):
    checked = check_plan(plan, World().here())
    agx = replace(ORIN_NANO, multiprocessors=16)
    with pytest.raises(PlanMismatchError, match="multiprocessors 8, this machine has 16"):
        check_device(checked, World().here(), agx)


def test_a_device_without_room_for_the_plan_is_refused_before_loading(plan):
    checked = check_plan(plan, World().here())
    with pytest.raises(CudaError, match="stop other programs"):
        check_device(checked, World().here(), replace(ORIN_NANO, free_bytes=1000))
