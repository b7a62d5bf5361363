from contextlib import closing

import numpy as np
import pytest

from edge.errors import EvaluationFileError
from edge.evaluation.face_store import Entry, FaceStore, key_of


def opened(folder):
    return closing(FaceStore(folder / "faces.sqlite"))


def test_what_was_put_is_there_after_opening_the_file_again(tmp_path):
    embedding = np.array([0.1, -2.5], np.float32)
    with opened(tmp_path / "new") as store:
        store.put("a", Entry({"values": {"norm": 1 / 3}}, embedding))
    with opened(tmp_path / "new") as store:
        entry = store.get("a")
    assert entry is not None
    assert entry.facts == {"values": {"norm": 1 / 3}}
    assert entry.embedding is not None
    assert entry.embedding.tolist() == embedding.tolist()


def test_an_entry_without_embedding_has_none(tmp_path):
    with opened(tmp_path) as store:
        store.put("a", Entry({"failure": "no face"}))
        entry = store.get("a")
        assert entry is not None
        assert entry.embedding is None
        assert store.get("b") is None


def test_an_interrupted_run_keeps_what_it_had(tmp_path):
    def interrupted():
        with opened(tmp_path) as store:
            store.put("a", Entry({}))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with opened(tmp_path) as store:
        assert store.get("a") is not None


def test_a_later_entry_replaces_an_earlier_one(tmp_path):
    with opened(tmp_path) as store:
        store.put("a", Entry({"x": 1}))
        store.put("a", Entry({"x": 2}))
        entry = store.get("a")
        assert entry is not None
        assert entry.facts == {"x": 2}


def test_every_part_counts_in_a_key():
    keys = {key_of("a", 1, None), key_of("a", 2, None), key_of("a", 1, 0), key_of("a1", None)}
    assert len(keys) == 4
    assert key_of("a", 1, None) in keys


def test_a_file_of_another_kind_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / "faces.sqlite"
    path.write_bytes(b"no database at all, but long enough to be taken for one" * 40)
    with pytest.raises(EvaluationFileError, match="delete the file"):
        FaceStore(path)
