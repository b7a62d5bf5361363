"""`edge-gate score` on real photographs, with the real default pair."""

import csv
import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from edge.__main__ import main
from edge.cluster.parquet import read_rows
from edge.config.model import DetectorSettings, GateSettings
from edge.detection.open import open_detector
from edge.gate.assess import assess_frame
from edge.gate.components import COMPONENTS
from edge.samples import Frame
from edge.sources.images import read_image
from engines.catalogue.catalogue import fetch, find_entry
from engines.pair.pair import open_pair
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


def test_components_are_in_each_form_and_absent_unless_asked_for(
    pair, photographs, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "120")  # a narrow table breaks "margin above" in two
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
    assert "margin above" in said["--smallest-face=40"]  # his hair touches the border
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


def written(pair, photographs, out):
    words = ["--pair", pair, "--out", str(out)]
    assert main(["score", photographs["obama.jpg"], photographs["biden.jpg"], *words]) == 0


def test_the_name_of_the_file_chooses_its_form(pair, photographs, tmp_path):
    for ending in ("csv", "json", "jsonl", "parquet", "txt"):
        written(pair, photographs, tmp_path / f"faces.{ending}")
    records = json.loads((tmp_path / "faces.json").read_text())
    lines = (tmp_path / "faces.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == records
    rows = list(csv.DictReader(io.StringIO((tmp_path / "faces.csv").read_text())))
    assert [row["pair_id"] for row in rows] == [record["pair_id"] for record in records]
    faces = read_rows(tmp_path / "faces.parquet")
    assert [face["score"] for face in faces] == [record["score"] for record in records]
    assert [face["key"] for face in faces] == [record["key"] for record in records]
    assert "verdict" in (tmp_path / "faces.txt").read_text()


def test_a_parquet_file_has_the_components_that_were_asked_for(pair, photographs, tmp_path):
    words = ["--pair", pair, "--components", "--out", str(tmp_path / "faces.parquet")]
    assert main(["score", photographs["obama.jpg"], *words]) == 0
    (face,) = read_rows(tmp_path / "faces.parquet")
    assert 0 <= face["sharpness_quality"] <= 100


def test_no_face_is_an_empty_list_in_json(pair, tmp_path):
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((64, 64, 3), 90, np.uint8))
    out = tmp_path / "faces.json"
    assert main(["score", str(tmp_path / "wall.png"), "--pair", pair, "--out", str(out)]) == 0
    assert json.loads(out.read_text()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--csv", "--out", "faces.parquet"], "--csv contradicts the name faces.parquet"),
        (["--csv", "--out", "faces.json"], "--csv contradicts"),
        (["--json", "--out", "faces.csv"], "--json contradicts"),
        (["--json", "--out", "faces.parquet"], "--json contradicts"),
        (["--out", "faces.xlsx"], ".xlsx is no form; name it .csv, .json,"),
        (["--cluster", "tcp://127.0.0.1:1", "--out", "faces.csv"], "faces.csv is no folder"),
        (["--cluster", "tcp://127.0.0.1:1", "--out", "o", "--aligned"], "leave out --cluster"),
        (["--aligned", "--detector", "yunet"], "leave out --detector, or --aligned"),
        (["--aligned", "--smallest-face", "30"], "leave out --smallest-face"),
        (["--aligned", "--components"], "needs the whole picture"),
    ],
)
def test_what_contradicts_itself_is_refused_before_anything_is_scored(
    tmp_path, monkeypatch, capsys, words, said
):
    monkeypatch.chdir(tmp_path)
    assert main(["score", "photograph.jpg", *words]) == 64
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_says_nothing_takes_the_form_that_is_asked_for(pair, photographs, tmp_path):
    out = tmp_path / "faces.dat"
    assert (
        main(["score", photographs["obama.jpg"], "--pair", pair, "--csv", "--out", str(out)]) == 0
    )
    assert out.read_text().startswith("source,frame,")


def test_an_aligned_face_image_has_the_score_of_the_photograph_it_is_from(
    pair, photographs, tmp_path, capsys
):
    with open_pair(Path(pair)) as opened:
        frame = Frame(read_image(Path(photographs["obama.jpg"])), "obama", 0, None)
        detector = open_detector(DetectorSettings())
        (face,) = assess_frame(frame, detector, opened, GateSettings())
    assert face.face_image is not None
    assert face.quality is not None
    cv2.imwrite(str(tmp_path / "crop.png"), face.face_image)
    assert main(["score", str(tmp_path / "crop.png"), "--pair", pair, "--aligned", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["score"] == pytest.approx(face.quality.score, abs=1e-3)
    assert (record["verdict"], record["box"]["right"]) == ("forward", 112)


def test_a_picture_of_another_size_is_no_aligned_face_image(pair, photographs, capsys):
    assert main(["score", photographs["obama.jpg"], "--pair", pair, "--aligned"]) == 1
    error = " ".join(capsys.readouterr().err.split())
    assert "face images of this pair have 112 x 112" in error
    assert "leave out --aligned" in error


def test_the_detector_is_chosen(pair, photographs, capsys):
    scores = {}
    for detector in ("mtcnn", "ultraface68"):
        words = ["--pair", pair, "--json", "--detector", detector]
        assert main(["score", photographs["obama.jpg"], *words]) == 0
        scores[detector] = json.loads(capsys.readouterr().out)["detector_score"]
    assert scores["mtcnn"] != scores["ultraface68"]
