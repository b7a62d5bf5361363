from dataclasses import replace

import pytest

from engines.build.verify import verify_pair
from engines.errors import PairIntegrityError
from engines.pair.golden_vectors import Tolerance
from engines.pair.manifest import GoldenRecord, identified, read_manifest, write_manifest
from tests.pairs import put_pair, synthetic_faces


@pytest.fixture
def folder(tmp_path):
    put_pair(tmp_path)
    return tmp_path / "pair"


def test_a_sound_pair_has_no_fault_and_the_figures_it_was_built_with(folder):
    found = verify_pair(folder, golden=synthetic_faces())
    assert found.faults == ()
    assert found.replay.dense_cosine == pytest.approx(1, abs=1e-6)
    assert found.acceptance == found.manifest.acceptance


def test_a_missed_replay_is_a_fault_with_its_figures_and_no_exception(folder):
    manifest = read_manifest(folder)
    impossible = GoldenRecord(file=manifest.golden.file, tolerance=Tolerance(minimum_cosine=1.5))
    write_manifest(folder, identified(manifest.model_copy(update={"golden": impossible})))
    found = verify_pair(folder)
    assert [fault.split(":")[0] for fault in found.faults] == ["golden vectors missed"]


def test_faces_the_pair_cannot_tell_apart_are_a_fault(folder):
    golden = synthetic_faces()
    mixed = replace(golden, subjects=golden.subjects[::2] + golden.subjects[1::2])
    found = verify_pair(folder, golden=mixed)
    assert len(found.faults) == 1
    assert "does not tell the golden faces apart" in found.faults[0]


def test_an_edited_file_leaves_nothing_to_measure(folder):
    (folder / "pruned.onnx").write_bytes(b"")
    with pytest.raises(PairIntegrityError, match="swapped, edited or cut short"):
        verify_pair(folder)
