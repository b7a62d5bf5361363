import numpy as np
import onnxruntime
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as native

from engines.errors import BackendError
from engines.onnxruntime.backend import (
    ERRORS,
    OnnxRuntimeNetwork,
    open_for_build,
    open_network,
)
from tests.networks import face_network, loaded


def test_no_exception_of_the_library_is_left_untranslated():
    assert {native.Fail, native.InvalidArgument, native.InvalidGraph, native.NoSuchFile} <= {
        *ERRORS
    }
    assert all(
        issubclass(each, ERRORS)
        for each in vars(native).values()
        if isinstance(each, type) and issubclass(each, BaseException)
    )


def test_wrong_input_rank_and_size_are_backend_errors(tmp_path):
    network = open_network(loaded(tmp_path).model.SerializeToString())
    with pytest.raises(BackendError, match="could not run the network"):
        network.run(np.zeros((1, 3, 16, 20), np.float32))
    with pytest.raises(BackendError, match="could not run the network"):
        network.run(np.zeros((3, 16, 20), np.float32))


def test_a_missing_or_broken_file_is_a_backend_error(tmp_path):
    with pytest.raises(BackendError, match="could not open"):
        open_network(tmp_path / "absent.onnx")
    with pytest.raises(BackendError, match="could not open"):
        open_network(b"not a network")


def test_a_provider_that_is_not_there_is_refused_and_not_replaced():
    with pytest.raises(BackendError, match="no TensorrtExecutionProvider, only"):
        open_network(face_network().SerializeToString(), providers=("TensorrtExecutionProvider",))


def test_a_closed_network_refuses_to_run_and_closes_twice(tmp_path):
    network = open_network(loaded(tmp_path).model.SerializeToString())
    network.close()
    network.close()
    with pytest.raises(BackendError, match="closed"):
        network.run(np.zeros((1, 3, 20, 16), np.float32))


def test_less_than_one_thread_is_refused():
    with pytest.raises(ValueError, match="threads: got 0"):
        open_network(face_network().SerializeToString(), threads=0)


def test_thread_count_moves_no_embedding(tmp_path):
    content = loaded(tmp_path).model.SerializeToString()
    faces = np.random.default_rng(1).normal(size=(3, 3, 20, 16)).astype(np.float32)
    one, two = (open_network(content, threads=n).run(faces)[0] for n in (1, 2))
    assert one == pytest.approx(two, abs=1e-5)


def test_a_network_of_one_face_at_a_time_takes_a_batch():
    faces = np.random.default_rng(1).normal(size=(3, 3, 20, 16)).astype(np.float32)
    network = open_network(face_network().SerializeToString())  # as exported: batch 1
    together = network.run(faces)[0]
    assert np.array_equal(together, np.concatenate([network.run(f[None])[0] for f in faces]))


class CountingSession:
    """A session that notes how many inputs it is given."""

    def __init__(self, content):
        self._session, self.given = onnxruntime.InferenceSession(content), []

    def get_inputs(self):
        return self._session.get_inputs()

    def get_outputs(self):
        return self._session.get_outputs()

    def get_providers(self):
        return self._session.get_providers()

    def run(self, names, inputs):
        (batch,) = inputs.values()
        self.given.append(len(batch))
        return self._session.run(names, inputs)


@pytest.mark.parametrize(("at_once", "given"), [(None, [9]), (4, [4, 4, 1]), (9, [9])])
def test_a_batch_is_run_in_parts_of_a_size(tmp_path, at_once, given):
    session = CountingSession(loaded(tmp_path).model.SerializeToString())
    faces = np.random.default_rng(1).normal(size=(9, 3, 20, 16)).astype(np.float32)
    found = OnnxRuntimeNetwork(session, at_once).run(faces)[0]
    assert session.given == given
    expected = OnnxRuntimeNetwork(session).run(faces)[0]
    assert found == pytest.approx(expected, abs=1e-5)


def test_a_build_runs_a_batch_in_parts_that_caches_hold(tmp_path):
    file = tmp_path / "network.onnx"
    file.write_bytes(loaded(tmp_path).model.SerializeToString())
    session = CountingSession(file.read_bytes())
    with open_for_build(file, 1) as network:
        network._session = session
        assert len(network.run(np.zeros((9, 3, 20, 16), np.float32))[0]) == 9
    assert session.given == [4, 4, 1]
