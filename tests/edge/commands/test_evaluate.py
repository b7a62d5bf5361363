"""`edge evaluate` over real faces: 12 people of the ORL faces, the default network and detector."""

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.__main__ import main
from engines.build.build import BuildRequest, build_pair
from engines.build.golden_faces import photographs_of, read_golden, read_photograph
from engines.catalogue.catalogue import fetch, find_entry
from engines.graph.network import load_network
from tests.few_faces import few_golden
from tests.networks import TinyNetwork, loaded
from tests.pairs import request, synthetic_faces, tiny_pair
from tests.quality_networks import write_brightness

pytestmark = pytest.mark.registry

PEOPLE, SHOTS = 12, 3


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with an engine pair, photographs, and pairs of them; one shows no face."""
    folder = tmp_path_factory.mktemp("evaluate")
    entry = find_entry("mobilefacenet512")
    assert entry.specification is not None
    network = load_network(fetch(entry)[0], entry.specification, entry.embedding_length)
    golden = few_golden(entry.specification)
    build_pair(BuildRequest(entry.name, entry.licence, network, golden), folder / "pair")
    (folder / "images").mkdir()
    people = photographs(folder / "images")
    cv2.imwrite(str(folder / "images" / "wall.png"), np.full((240, 240, 3), 128, np.uint8))
    (folder / "pairs.csv").write_text("\n".join(["image_a,image_b,mated", *pair_lines(people)]))
    return folder


def photographs(folder):
    """Enlarged twice and padded: the ORL faces fill their images to the border."""
    golden = [face for face in read_golden() if face.entry == "orl-faces"]
    paths = photographs_of(["orl-faces"])
    people: dict[str, list[str]] = {}
    for face in golden[: PEOPLE * SHOTS]:
        pixels = cv2.resize(read_photograph(paths[face.entry, face.file]), None, fx=2, fy=2)
        name = face.file.replace("/", "-").replace("pgm", "png")
        cv2.imwrite(str(folder / name), padded(pixels))
        people.setdefault(face.subject, []).append(name)
    return people


def padded(pixels):
    return cv2.copyMakeBorder(pixels, 60, 60, 60, 60, cv2.BORDER_REPLICATE)


def pair_lines(people):
    names = list(people.values())
    for number, shots in enumerate(names):
        others = names[(number + 1) % len(names)]
        for first in range(SHOTS):
            yield f"{shots[first]},{shots[(first + 1) % SHOTS]},1"
            for second in range(SHOTS):
                yield f"{shots[first]},{others[second]},0"
    yield f"wall.png,{names[0][0]},0"


def evaluated(work, out, *options):
    words = ["--pairs", work / "pairs.csv", "--images", work / "images", "--pair", work / "pair"]
    words += ["--json", "--out", out, *options]
    with redirect_stdout(StringIO()) as found, redirect_stderr(StringIO()) as messages:
        code = main(["evaluate", *map(str, words)])
    return code, json.loads(found.getvalue()), messages.getvalue()


PLAIN = ("--measures", "prefiqs,norm")


@pytest.fixture(scope="module")
def out(work):
    """One folder for all, where faces that were measured once are found again."""
    return work / "out"


@pytest.fixture(scope="module")
def first(work, out):
    """How a plain evaluation ends, and the result that it wrote."""
    return *evaluated(work, out, *PLAIN), json.loads((out / "evaluation.json").read_text())


@pytest.fixture
def _numbers_only(monkeypatch):
    """Draw nothing and time one round, not thirty: these are most of so small an evaluation."""
    monkeypatch.setattr("edge.evaluation.run.TIMED_ROUNDS", 1)
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def test_real_people_are_told_apart_and_the_image_without_a_face_is_counted(first):
    code, found, messages, written = first
    assert code == 1  # some inputs failed
    assert "wall.png (clean): no face found" in messages
    clean = found["sets"][0]
    assert (clean["excluded"], clean["mated"]) == (1, PEOPLE * SHOTS)
    assert clean["accuracy"]["mean"] > 0.97
    assert found["milliseconds"].keys() == {"prefiqs", "norm"}
    assert min(found["milliseconds"].values()) > 0
    assert written == found


def test_where_no_curve_can_be_computed_no_empty_picture_is_left(work, tmp_path):
    out = tmp_path / "out"
    lines = (work / "pairs.csv").read_text().splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:3]))
    out.mkdir()
    (out / "evaluation.png").write_text("of an earlier run")
    options = ("--measures", "prefiqs", "--pairs", tmp_path / "few.csv")
    _, found, messages = evaluated(work, out, *options)
    assert all(point["reason"] for point in found["sets"][0]["points"])
    assert "no picture is drawn" in messages
    assert not (out / "evaluation.png").exists()
    assert (out / "edc.csv").read_text().count("\n") == 1


def test_a_second_run_finds_the_same_and_degrading_lowers_every_accuracy(work, first, out):
    (out / "evaluation.png").unlink(missing_ok=True)
    _, second, _ = evaluated(work, out, *PLAIN, "--degrade", 3, "--degrade-share", 1)
    _, plain, *_ = first
    assert second["sets"][0] == plain["sets"][0]
    degraded = second["sets"][1]
    assert degraded["accuracy"]["mean"] < plain["sets"][0]["accuracy"]["mean"]
    answers = [each["correlations"]["prefiqs"] for each in second["faults"]]
    assert np.median([rho for rho in answers if rho is not None]) < -0.3
    assert (out / "evaluation.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("_numbers_only")
def test_seeds_are_pooled_and_folds_chosen(work, out):
    options = (*PLAIN, "--folds", "1,3", "--degrade", "3,4")
    _, found, _ = evaluated(work, out, *options)
    clean, degraded = found["sets"]
    assert (found["folds"], found["degrade_seeds"]) == (["1", "3"], [3, 4])
    assert 0 < clean["pairs"] < PEOPLE * SHOTS
    assert degraded["pairs"] == clean["pairs"]
    assert degraded["comparisons"] + degraded["excluded"] == 2 * (
        clean["comparisons"] + clean["excluded"]
    )


@pytest.mark.usefixtures("_numbers_only")
def test_the_pooled_convention_and_another_verifying_pair_are_named_in_the_result(work, out):
    options = ("--convention", "pooled", "--verify-with", work / "pair", "--measures", "norm")
    _, found, _ = evaluated(work, out, *options)
    assert found["plan"]["convention"] == "pooled"
    assert found["verified_with"] == found["pair_id"]


@pytest.mark.usefixtures("_numbers_only")
def test_the_norm_of_another_network_that_compares_stands_beside_that_of_the_pair(
    work, out, tmp_path
):
    tiny_pair(tmp_path, TinyNetwork(seed=8))
    options = ("--degrade", "3", *PLAIN)
    other = ("--verify-with", tmp_path / "pair")
    _, found, _ = evaluated(work, out, *options, *other)
    assert found["plan"]["measures"] == ["prefiqs", "norm", "verifying_norm"]
    assert found["plan"]["reference"] == "norm"
    assert found["milliseconds"].keys() == {"prefiqs", "norm"}
    _, own, _ = evaluated(work, out, "--pair", tmp_path / "pair", *options)
    assert areas(found, "verifying_norm") == areas(own, "norm") != areas(found, "norm")
    assert any(areas(own, "norm"))


def areas(found, measure):
    points = [point for one in found["sets"] for point in one["points"]]
    return [point["areas"].get(measure, {}).get("area") for point in points]


def test_a_quality_network_of_the_users_stands_in_the_same_table(work, out, tmp_path):
    _, found, _ = evaluated(work, out, *PLAIN, "--measure", write_brightness(tmp_path))
    assert found["plan"]["measures"] == ["prefiqs", "norm", "brightness"]
    assert min(found["milliseconds"].values()) > 0


@pytest.mark.usefixtures("_numbers_only")
def test_the_scores_are_those_of_the_gate_with_a_second_opinion_too(work, capsys, tmp_path):
    second = find_entry(str(write_brightness(tmp_path)))
    images = synthetic_faces(subjects=30, each=2, seed=4).images
    asked = request(loaded(tmp_path, TinyNetwork(seed=3)), form="fused")
    build_pair(replace(asked, reference=images, second_opinion=second), tmp_path / "pair")
    _, found, _ = evaluated(work, tmp_path / "out", "--pair", tmp_path / "pair", *PLAIN)
    assert found["plan"]["measures"] == ["prefiqs", "norm", "fused"]
    scores = scores_of(work, tmp_path / "pair", capsys)
    rows = [line.split(",") for line in (work / "pairs.csv").read_text().splitlines()]
    poorer = [min(scores[a], scores[b]) for a, b, mated in rows if mated == "1"]
    for band in found["bands"]["clean"]:
        inside = [one for one in poorer if band["low"] <= one < band["high"]]
        assert band["mated"] == len(inside)


def scores_of(work, pair, capsys):
    photographs = [str(path) for path in (work / "images").glob("s*.png")]
    assert main(["score", *photographs, "--json", "--pair", str(pair)]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {Path(record["source"]).name: record["score"] for record in records}


def write_groups(path, names):
    """Every other person in one of two groups, by the names of their photographs."""
    people = {name: name.split("-")[0] for name in names}
    groups = {person: "ab"[number % 2] for number, person in enumerate(sorted(people.values()))}
    rows = [f"{name},{person},{groups[person]}" for name, person in people.items()]
    path.write_text("\n".join(["image,person,group", *rows]))


@pytest.mark.usefixtures("_numbers_only")
def test_groups_have_their_shares_errors_and_variance(work, out, tmp_path):
    names = [path.name for path in (work / "images").glob("s*.png")]
    write_groups(tmp_path / "groups.csv", names)
    options = (*PLAIN, "--groups", tmp_path / "groups.csv", "--threshold", 50)
    _, found, _ = evaluated(work, out, *options)
    groups = found["groups"]
    assert groups["threshold"] == 50
    assert sum(group["people"] for group in groups["groups"]) == PEOPLE
    assert sum(group["images"] for group in groups["groups"]) == PEOPLE * SHOTS
    shares = [group["forwarded"]["value"] * group["images"] for group in groups["groups"]]
    assert sum(shares) == pytest.approx(groups["forwarded"] * PEOPLE * SHOTS)
    assert groups["measures"]["norm"]["variance_between"]["value"] > 0


def test_a_list_of_images_that_are_elsewhere_says_so(work, tmp_path, capsys):
    (tmp_path / "pairs.csv").write_text("image_a,image_b,mated\nx,y,1\nx,z,0\n")
    words = ["--pairs", tmp_path / "pairs.csv", "--images", tmp_path, "--pair", work / "pair"]
    capsys.readouterr()
    assert main(["evaluate", *map(str, [*words, "--out", tmp_path / "out"])]) == 1
    said = f"no face was found in any image, as in the first: {tmp_path}/x: No such file"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--measures", "norm,beauty"], "no measure 'beauty'; choose from prefiqs"),
        (["--degrade-share", "0"], "not above 0"),
        (["--passes", "1"], "1 is not between 2 and"),
        (["--degrade", "1,-2"], "-2 is not between 0 and"),
        (["--folds", "1,twelve"], "no fold is named 'twelve'; there are 1, 2"),
        (["--measure", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["--groups", "nowhere.csv"], "nowhere.csv: cannot be read: No such file or directory"),
        (["--groups", "nowhere.csv", "--measures", "norm"], "--groups needs the measure prefiqs"),
        (["--images", "nowhere"], "nowhere: no such folder of images"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(work, capsys, options, message):
    words = ["--pairs", work / "pairs.csv", "--images", work / "images", *options]
    assert exit_code(["evaluate", *map(str, words)]) == 64
    assert message in capsys.readouterr().err


def exit_code(words):
    try:
        return main(words)
    except SystemExit as ended:  # argparse ends this way
        return ended.code
