import dataclasses

import numpy as np
import onnxruntime as ort
import pytest

from engines.build.golden_faces import golden_faces, read_golden
from engines.catalogue.catalogue import fetch, find_entry


def test_each_person_has_three_faces_but_for_the_one_impostor():
    subjects = [face.subject for face in read_golden()]
    counts = {name: subjects.count(name) for name in subjects}
    assert counts.pop("biden") == 1
    assert set(counts.values()) == {3}
    assert len(counts) == 41


def test_no_photograph_is_listed_twice():
    files = [(face.entry, face.file) for face in read_golden()]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("face", read_golden(), ids=lambda face: face.file)
def test_landmarks_are_in_their_order_eyes_nose_mouth(face):
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.registry
def test_the_default_network_tells_the_golden_people_apart():
    entry = find_entry("mobilefacenet512")
    assert entry.specification is not None
    faces = golden_faces(entry.specification)
    session = ort.InferenceSession(fetch(entry)[0], providers=["CPUExecutionProvider"])
    inputs = ((faces.images.transpose(0, 3, 1, 2) - 127.5) / 128).astype(np.float32)
    rows = np.vstack([session.run(None, {"input": each[None]})[0] for each in inputs])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    same = np.equal.outer(faces.subjects, faces.subjects)
    upper = np.triu(np.ones_like(same, dtype=bool), 1)
    similarity = rows @ rows.T
    mated, non_mated = similarity[same & upper], similarity[~same & upper]
    threshold = np.quantile(non_mated, 0.999)
    assert (mated > threshold).mean() > 0.98


@pytest.mark.registry
def test_golden_faces_follow_the_size_and_template_of_the_network():
    arcface = find_entry("mobilefacenet512").specification
    assert arcface is not None
    a, b, c, d, e = ((2 * x + 0.5, 2 * y + 0.5) for x, y in arcface.template)
    large = dataclasses.replace(arcface, width=224, height=224, template=(a, b, c, d, e))
    small_images = golden_faces(arcface).images
    large_images = golden_faces(large).images.reshape(-1, 112, 2, 112, 2, 3).mean(axis=(2, 4))
    assert np.abs(large_images - small_images).mean() < 5  # grey levels: interpolation only
