"""`edge replay` over real faces with the default network and detector."""

import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO

import cv2
import pytest

from edge.__main__ import main
from tests.edge.recordings import default_pair, people, write_walk
from tests.edge.running_gate import kept_keys

pytestmark = pytest.mark.registry


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with an engine pair and footage: a clip of three people, and photographs of two."""
    folder = tmp_path_factory.mktemp("replay")
    default_pair(folder / "pair")
    frames = list(people(count=5, shots=1).values())
    (folder / "footage").mkdir()
    write_walk(folder / "footage" / "walk.mp4", frames[:3])
    for number, pixels in enumerate(frames[3:]):
        cv2.imwrite(str(folder / "footage" / f"{number}.png"), pixels)
    for name, gate in (("all", "threshold: 0"), ("none", "shift_at_most: 0")):
        text = f"pair: pair\ngate: {{{gate}}}\nsources: [{{name: door, uri: footage}}]\n"
        text += "tracks: {at_least_one_above: 100}\n"
        (folder / f"{name}.yaml").write_text(f"{text}sinks: [{{type: stdout}}]\n")
    return folder


def replayed(work, folder, first, second):
    """Return the exit code, what was written, and the messages."""
    configs = ["--config", work / f"{first}.yaml", "--config", work / f"{second}.yaml"]
    out = folder / "made" / "here"
    command = ["replay", work / "footage", *configs, "--out", out]
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as told:
        code = main([str(word) for word in command])
    read = [(out / name).read_text() for name in ("replay.html", "replay.json")]
    return code, read, told.getvalue()


@pytest.fixture
def replay(work, tmp_path):
    return partial(replayed, work, tmp_path)


@pytest.fixture(scope="module")
def all_and_none(work, tmp_path_factory):
    return replayed(work, tmp_path_factory.mktemp("replayed"), "all", "none")


def test_each_person_is_forwarded_once_and_the_other_side_says_why_not(all_and_none):
    code, (page, text), told = all_and_none
    found = json.loads(text)
    assert code == 0
    assert found["a"]["faces"] == found["b"]["faces"] == 3 * 10 + 2
    assert found["a"]["forwarded"] == 5  # the best shot of each of three, and two photographs
    assert [len(person["a"]["sent"]) for person in found["only_a"]] == [1] * 5
    assert all("low_quality: shift" in person["b"]["why_not"] for person in found["only_a"])
    assert page.count("data:image/jpeg") == 5
    assert "Of 5 people both send a face of 0, A alone of 5, B alone of 0, neither of 0." in told
    assert "B (shift_at_most 0)" in told
    assert "B is worse: 5 people fewer with a face, B with 5 faces fewer." in told


def test_the_floor_reaches_who_walks_by_and_is_named(replay, work):
    text = (work / "none.yaml").read_text()
    (work / "floor.yaml").write_text(text.replace("above: 100", "above: 20"))
    _, (_, written), told = replay("none", "floor")
    assert "B is better: 3 people more with a face, B with 3 faces more." in told
    faces = [face for one in json.loads(written)["only_b"] for face in one["b"]["sent"]]
    assert len(faces) == 3


def test_a_side_that_only_observes_is_named_so(replay, work):
    (work / "observing.yaml").write_text(f"{(work / 'all.yaml').read_text()}mode: observe\n")
    _, _, told = replay("all", "observing")
    assert "B (mode observe, which sends nothing) 0 faces." in told


def test_one_photograph_twice_is_forwarded_as_often_as_run_forwards_it(work, tmp_path):
    photographs, faces = tmp_path / "photographs", tmp_path / "faces"
    photographs.mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(work / "footage" / "0.png", photographs / name)
    config = tmp_path / "gate.yaml"
    config.write_text(
        f"pair: {work}/pair\ngate: {{threshold: 0}}\ntracks: {{duplicate_within: 3h}}\n"
        f"sources: [{{name: door, uri: {photographs}}}]\n"
        f"sinks: [{{type: directory, path: {faces}}}]\n"
    )
    assert main(["run", "--config", str(config)]) == 0
    twice = ["--config", str(config)] * 2
    assert main(["replay", str(photographs), *twice, "--out", str(tmp_path / "out")]) == 0
    told = json.loads((tmp_path / "out" / "replay.json").read_text())
    assert told["a"]["forwarded"] == len(kept_keys(faces)) == 2


def test_a_second_replay_writes_the_same_files(all_and_none, replay):
    assert replay("all", "none")[1] == all_and_none[1]


def test_one_configuration_is_not_enough(work, capsys):
    words = ["replay", work / "footage", "--config", work / "all.yaml"]
    assert main([str(word) for word in words]) == 64
    assert "give --config twice" in capsys.readouterr().err


def test_an_unknown_camera_is_named_with_those_there_are(work, capsys):
    configs = ["--config", work / "all.yaml", "--config", work / "none.yaml"]
    words = ["replay", work / "footage", *configs, "--source", "cellar"]
    assert main([str(word) for word in words]) == 64
    assert "no source 'cellar' in the configuration; it has door" in capsys.readouterr().err


def test_an_unreadable_file_is_told_once_and_the_rest_is_replayed(replay, work):
    broken = work / "footage" / "broken.png"
    broken.write_text("no picture")
    try:
        code, (_, text), told = replay("all", "none")
    finally:
        broken.unlink()
    assert (code, told.count("broken.png")) == (1, 1)
    assert json.loads(text)["a"]["forwarded"] == 5
