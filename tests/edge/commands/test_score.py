"""`edge-gate score` on real photographs, with the real default pair."""

import csv
import io
import json

import cv2
import pytest
from PIL import Image

from edge.__main__ import main
from edge.gate.components import COMPONENTS
from engines.catalogue.catalogue import fetch, find_entry
from tests.edge.sources.odd_pictures import ODD_ENTRIES, SIDEWAYS, exif_block, jpeg_with

pytestmark = pytest.mark.registry


@pytest.fixture(scope="module")
def pair(default_pair):
    return str(default_pair)


@pytest.fixture(scope="module")
def photographs():
    return {path.name: str(path) for path in fetch(find_entry("demo-photographs"))}


def test_each_face_gives_one_json_record_and_a_summary_beside_it(pair, photographs, capsys):
    code = main(["score", photographs["obama.jpg"], "--pair", pair, "--json"])
    said = capsys.readouterr()
    (record,) = [json.loads(line) for line in said.out.splitlines()]
    assert code == 0
    assert (record["verdict"], record["reason"]) == ("forward", "forwarded")
    assert record["quality"] == pytest.approx(1 - record["shift"] / 2)
    assert "1 face: 1 forwarded" in said.err


def test_a_broken_file_is_named_and_the_others_are_scored_into_a_whole_csv(
    pair, photographs, tmp_path, capsys
):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 cut")
    out = tmp_path / "faces.csv"
    words = ["--pair", pair, "--csv", "--out", str(out), "--threshold", "100"]
    code = main(["score", str(broken), photographs["biden.jpg"], *words])
    (row,) = csv.DictReader(io.StringIO(out.read_text()))
    assert code == 1
    assert "broken.jpg" in capsys.readouterr().err
    assert (row["verdict"], row["reason"]) == ("discard", "low_quality")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.jpg", "faces.csv"]


def test_components_are_in_each_form_and_absent_unless_asked_for(pair, photographs, capsys):
    words = ["score", photographs["obama.jpg"], "--pair", pair, "--components"]
    said = {}
    for form in ("--json", "--csv", "--smallest-face=40"):  # the last one leaves a table
        assert main([*words, form]) == 0
        said[form] = capsys.readouterr().out
    found = json.loads(said["--json"])["components"]
    assert found.keys() == set(COMPONENTS)
    (row,) = csv.DictReader(io.StringIO(said["--csv"]))
    sharp = found["sharpness"]
    cells = float(row["sharpness_value"]), float(row["sharpness_quality"])
    assert cells == (sharp["value"], sharp["quality"])
    assert "margin_above" in said["--smallest-face=40"]  # his hair touches the border
    assert main(["score", photographs["obama.jpg"], "--pair", pair, "--json"]) == 0
    assert "components" not in json.loads(capsys.readouterr().out)


def test_components_are_not_computed_on_a_cluster(pair, photographs, tmp_path, capsys):
    place = ["--cluster", "tcp://127.0.0.1:1", "--out", str(tmp_path / "out"), "--components"]
    assert main(["score", photographs["obama.jpg"], "--pair", pair, *place]) == 64
    assert "leave out --cluster, or --components" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threshold", "101"], "--threshold: 101 is not between 0 and 100"),
        (["--smallest-face", "2"], "--smallest-face: 2 is not between 12 and 2,000"),
        (["--threads", "0"], "--threads: 0 is not between 1 and 64"),
        (["--aspect", "1.78"], "--aspect: 1.78 is no shape; write width:height, as 16:9"),
    ],
)
def test_a_wrong_number_is_an_error_that_names_it(capsys, words, said):
    with pytest.raises(SystemExit) as ended:
        main(["score", "photograph.jpg", *words])
    assert ended.value.code == 64
    assert said in capsys.readouterr().err


def test_a_missing_pair_is_named(photographs, capsys):
    assert main(["score", photographs["obama.jpg"], "--pair", "no/such/pair"]) == 1
    assert "no/such/pair" in capsys.readouterr().err


def test_an_unwritable_folder_leaves_nothing(pair, photographs, tmp_path, capsys):
    out = str(tmp_path / "missing" / "faces.jsonl")
    words = ["--pair", pair, "--json", "--out", out]
    assert main(["score", photographs["obama.jpg"], *words]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_photographs_of_a_camera_mounted_upside_down_are_scored_upright(
    pair, photographs, tmp_path, capsys
):
    turned = tmp_path / "turned.png"
    cv2.imwrite(str(turned), cv2.rotate(cv2.imread(photographs["obama.jpg"]), cv2.ROTATE_180))
    scores = []
    for words in ([photographs["obama.jpg"]], [str(turned), "--rotate", "180"]):
        assert main(["score", *words, "--pair", pair, "--json"]) == 0
        (record,) = map(json.loads, capsys.readouterr().out.splitlines())
        scores.append(record["score"])
    assert scores[0] == pytest.approx(scores[1], abs=1)  # two decoders of JPEG round differently


def test_odd_photographs_end_no_run_and_what_a_folder_holds_besides_is_told(pair, tmp_path, capsys):
    ramp = Image.linear_gradient("L").convert("RGB")
    for name, kind in (("b.jfif", "JPEG"), ("d.jp2", "JPEG2000"), ("e.avif", "AVIF")):
        ramp.save(tmp_path / name, kind)
    for name, entry in ODD_ENTRIES.items():
        (tmp_path / f"{name}.jpg").write_bytes(jpeg_with(exif_block(SIDEWAYS, entry)))
    (tmp_path / "notes.txt").touch()
    assert main(["score", str(tmp_path), "--pair", pair]) == 0
    said = capsys.readouterr().err
    assert "1 file passed over: 1 of unknown ending .txt" in said
    assert "7/7" in said
