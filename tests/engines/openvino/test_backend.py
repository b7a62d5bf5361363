import itertools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.errors import BackendError
from engines.onnxruntime import backend as onnxruntime_backend
from engines.openvino.api import load_openvino
from engines.openvino.backend import ANY, FACES, open_network
from tests.networks import face_network, loaded
from tests.openvino_here import needs_openvino

pytestmark = needs_openvino

FACE_IMAGES = np.random.default_rng(1).normal(size=(6, 3, 20, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    return loaded(tmp_path_factory.mktemp("network")).model.SerializeToString()


@pytest.mark.parametrize("batches", [FACES, (ANY,)])
@pytest.mark.parametrize("faces", [1, 2, 5, 6])
def test_embeddings_are_those_of_onnx_runtime_whatever_the_batch(content, batches, faces):
    inputs = FACE_IMAGES[:faces]
    (wanted,) = onnxruntime_backend.open_network(content).run(inputs)
    with open_network(content, batches=batches) as network:
        (found,) = network.run(inputs)
    assert found.shape == wanted.shape
    assert found == pytest.approx(wanted, abs=1e-4)


def test_outputs_have_the_names_that_the_file_gives_them(content):
    names = onnxruntime_backend.open_network(content).output_names
    assert open_network(content).output_names == names


def test_f32_is_what_it_says_also_where_the_library_would_take_less(content):
    compiled = _properties(content, precision="f32")
    assert "float32" in compiled["INFERENCE_PRECISION_HINT"]


def test_bf16_rounds_where_the_processor_has_it_and_is_refused_elsewhere(content):
    if not load_openvino().has_bf16:
        with pytest.raises(BackendError, match="does not compute bfloat16"):
            open_network(content, precision="bf16")
        return
    (wanted,) = open_network(content).run(FACE_IMAGES)
    (found,) = open_network(content, precision="bf16").run(FACE_IMAGES)
    assert not np.array_equal(found, wanted)
    assert found == pytest.approx(wanted, abs=0.1 * float(np.abs(wanted).max()))


def test_a_processor_without_bf16_is_told_so(content, monkeypatch):
    without = replace(load_openvino(), has_bf16=False)
    monkeypatch.setattr("engines.openvino.backend.load_openvino", lambda: without)
    with pytest.raises(BackendError, match="does not compute bfloat16: take precision f32"):
        open_network(content, precision="bf16")


def test_an_output_is_not_overwritten_by_the_next_run(content):
    network = open_network(content, batches=FACES)
    (first,) = network.run(FACE_IMAGES[:1])
    kept = first.copy()
    network.run(FACE_IMAGES[1:2])
    assert np.array_equal(first, kept)


def test_threads_that_call_at_once_get_what_each_asked_for(content):
    network, found = open_network(content, batches=FACES), {}

    def ask(number: int) -> None:
        found[number] = [network.run(FACE_IMAGES[number][None])[0] for _ in range(50)]

    threads = [Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, answers in found.items():
        (wanted,) = network.run(FACE_IMAGES[number][None])
        assert all(np.array_equal(answer, wanted) for answer in answers)


SPENT = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from engines.openvino.backend import open_network

def spent():
    files = Path("/proc/self/task").glob("*/stat")
    lines = [each.read_text().rpartition(")")[2].split() for each in files]
    return [int(line[11]) + int(line[12]) for line in lines]

network = open_network(sys.stdin.buffer.read(), int(sys.argv[1]))
before, images = max(spent()), np.zeros((1, 3, 256, 256), np.float32)
while max(spent()) - before < 100:
    network.run(images)
print(sum(each > 20 for each in spent()))
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_threads_compute_than_are_asked_for(threads):
    """In a process of its own: what other tests opened has threads too."""
    done = subprocess.run(
        [sys.executable, "-c", SPENT, str(threads)],
        input=_wide_network(),
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    )
    assert int(done.stdout) == min(threads, os.cpu_count() or 1)


def test_threads_and_streams_are_those_that_were_asked_for(content):
    compiled = _properties(content, threads=2)
    assert compiled["INFERENCE_NUM_THREADS"] == "2"
    assert compiled["NUM_STREAMS"] == "1"
    assert compiled["ENABLE_CPU_PINNING"] == "False"


def test_wrong_input_rank_and_size_are_backend_errors(content):
    for batches in (FACES, (ANY,)):
        network = open_network(content, batches=batches)
        with pytest.raises(BackendError, match="could not run the network: "):
            network.run(np.zeros((1, 3, 16, 20), np.float32))
        with pytest.raises(BackendError, match="could not run the network: "):
            network.run(np.zeros((3, 16, 20), np.float32))


def test_a_missing_or_broken_file_is_a_backend_error(tmp_path):
    with pytest.raises(BackendError, match="could not open the network: "):
        open_network(tmp_path / "absent.onnx")
    with pytest.raises(BackendError, match="could not open the network: "):
        open_network(b"not a network")


def test_a_closed_network_refuses_to_run_and_closes_twice(content):
    network = open_network(content)
    network.close()
    network.close()
    with pytest.raises(BackendError, match="closed"):
        network.run(FACE_IMAGES)


def test_less_than_one_thread_is_refused(content):
    with pytest.raises(ValueError, match="threads: got 0"):
        open_network(content, threads=0)


def test_a_network_of_one_face_at_a_time_takes_a_batch():
    one_by_one = face_network().SerializeToString()  # as exported: batch 1
    together = open_network(one_by_one, batches=FACES).run(FACE_IMAGES)[0]
    network = onnxruntime_backend.open_network(one_by_one)
    assert together == pytest.approx(network.run(FACE_IMAGES)[0], abs=1e-4)


def _properties(content: bytes, **how) -> dict[str, str]:
    request = open_network(content, **how)._requests[ANY]
    model = request.get_compiled_model()
    return {
        name: str(model.get_property(name)) for name in model.get_property("SUPPORTED_PROPERTIES")
    }


def _wide_network() -> bytes:
    """Return convolutions that are worth two threads."""
    weights = np.zeros((64, 64, 3, 3), np.float32)
    first = numpy_helper.from_array(weights[:, :3].copy(), "first")
    rest = numpy_helper.from_array(weights, "rest")
    names = ["input", *(f"x{number}" for number in range(4))]
    nodes = [
        helper.make_node("Conv", [a, "first" if a == "input" else "rest"], [b], pads=[1] * 4)
        for a, b in itertools.pairwise(names)
    ]
    taken, given = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", channels, "h", "w"])
        for name, channels in (("input", 3), (names[-1], 64))
    )
    body = helper.make_graph(nodes, "wide", [taken], [given], [first, rest])
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()
