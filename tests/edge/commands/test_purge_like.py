"""A data-subject request served on the device: real faces, the default network, a photograph."""

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timezone

import cv2
import pytest

from edge.__main__ import main
from edge.config.delivery import DirectorySinkSettings, OutboxSettings
from edge.config.model import ShadowLogSettings
from edge.delivery.encode import to_delivery
from edge.delivery.outbox import Outbox
from edge.delivery.record import Capture
from edge.gate.outcome import SeenFace
from edge.library import Gate
from edge.samples import Box, DetectedFace
from edge.shadow_log.log import logged_face
from edge.shadow_log.tables import Kind
from edge.shadow_log.writer import Noted, ShadowLogWriter
from edge.sinks.directory import DirectorySink
from engines.pair.pair import open_pair
from tests.edge.canned import CannedDetector
from tests.edge.photographs import frame_with, head, portrait

HERS, OTHERS = ("s1/1.pgm", "s1/5.pgm"), ("s2/1.pgm", "s3/1.pgm")
PHOTOGRAPH = "s1/10.pgm"
CAMERAS = dict(zip((*HERS, *OTHERS), ("door", "hall", "door", "hall"), strict=True))
NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
SMALL = 40


def assessed(file, pair):
    pixels, landmarks = portrait(file)
    face = DetectedFace(Box(0, 0, 92, 112), landmarks, 0.99)
    [found] = Gate(CannedDetector([face]), pair).assess(pixels)
    return found


@pytest.fixture(scope="module")
def filled(default_pair, tmp_path_factory):
    """Outbox, folder and shadow log with two faces of her and one each of two others."""
    folder = tmp_path_factory.mktemp("filled")
    sink = DirectorySink(DirectorySinkSettings(path=folder / "faces"))
    outbox = Outbox(OutboxSettings(path=folder / "outbox.sqlite"), ("http",))
    writer = ShadowLogWriter(ShadowLogSettings(path=folder / "shadow.sqlite", keep_for=1e9))
    with open_pair(default_pair) as pair:
        for number, (file, camera) in enumerate(CAMERAS.items()):
            face = assessed(file, pair)
            delivery = to_delivery(face, Capture(camera, NOW, clock_synced=True))
            sink.send(delivery)
            outbox.put(delivery)
            rows = [
                (
                    logged_face(
                        SeenFace(Box(0, 0, 9, 9), number, each, number), place, 0.0, float(number)
                    ),
                    cut,
                )
                for place, (each, cut) in enumerate([(face, face.face_image), (None, None)])
            ]
            kind = Kind(camera, "run", "observe", pair.pair_id)
            writer.put(Noted(kind, float(number), is_still=False, faces=rows, following=1))
    writer.stop()
    outbox.close()
    cv2.imwrite(
        str(folder / "her.png"), frame_with([(head(PHOTOGRAPH, 2 * SMALL), (99, 99))], 500, 500)
    )
    return folder


@pytest.fixture
def places(filled, tmp_path):
    return shutil.copytree(filled, tmp_path / "places")


@pytest.fixture
def purge(places, default_pair, capsys):
    def run(*words):
        named = (
            ("--outbox", "outbox.sqlite"),
            ("--directory", "faces"),
            ("--shadow-log", "shadow.sqlite"),
        )
        at = [word for option, name in named for word in (option, str(places / name))]
        like = ["--pair", str(default_pair)] if "--like" in words else []
        code = main(["purge", *words, *at, *like])
        return code, capsys.readouterr()

    return run


def count(path, table="faces"):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def left(places):
    """Return how many faces are in the outbox, images in the folder, and rows in the log."""
    images = len(list((places / "faces").glob("*.png")))
    return count(places / "outbox.sqlite"), images, count(places / "shadow.sqlite")


def test_a_photograph_finds_its_person_everywhere_and_deletes_after_yes_alone(places, purge):
    like = ("--like", str(places / "her.png"))
    code, said = purge(*like)
    assert code == 0
    assert left(places) == (4, 4, 8)
    assert said.out.count("would delete") == 3
    assert "a face matches from comparison score" in said.out
    assert "1 in 100 comparisons" in said.out
    assert "with --yes" in said.out
    code, said = purge(*like, "--yes")
    assert code == 0
    assert left(places) == (2, 2, 4)
    assert said.out.count("deleted 2 faces") == 2
    assert "deleted 4 faces" in said.out
    assert "the nearest that stays has" in said.out


def test_a_track_s_rows_without_a_picture_go_with_its_face(places, purge):
    purge("--like", str(places / "her.png"), "--yes")
    with closing(sqlite3.connect(places / "shadow.sqlite")) as database:
        tracks = {track for (track,) in database.execute("SELECT track FROM faces")}
    assert tracks == {2, 3}


def test_a_camera_is_emptied_and_others_stay(places, purge):
    code, said = purge("--camera", "door")
    assert code == 0
    assert left(places) == (2, 2, 4)
    assert said.out.count("deleted 2 faces") == 2
    kept = [path.name for path in (places / "faces").glob("*.json")]
    assert all("-hall-" in name for name in kept)


def test_person_and_camera_go_together(places, purge):
    purge("--like", str(places / "her.png"), "--camera", "hall", "--yes")
    assert left(places) == (3, 3, 6)


def test_a_score_of_ones_own_is_taken_instead(places, purge):
    _, said = purge("--like", str(places / "her.png"), "--match-score", "0.999", "--yes")
    assert left(places) == (4, 4, 8)
    assert "0.999 on, as given" in said.out


def test_no_embedding_is_stored_by_looking(places, purge):
    before = {path.name: path.read_bytes() for path in (places / "faces").iterdir()}
    purge("--like", str(places / "her.png"))
    assert {path.name: path.read_bytes() for path in (places / "faces").iterdir()} == before
    assert sorted(path.name for path in places.iterdir() if "sqlite" not in path.name) == [
        "faces",
        "her.png",
    ]


def test_a_face_whose_image_is_damaged_stays_and_is_named(places, purge):
    [image, *_] = sorted((places / "faces").glob("*.png"))
    image.write_bytes(b"no picture")
    _, said = purge("--like", str(places / "her.png"), "--yes", "--list")
    assert image.exists()
    assert f"nobody can tell: {image.stem}" in said.out


def test_a_face_of_another_size_is_found_in_its_picture_first(places, purge):
    for image in (places / "faces").glob("*.png"):
        larger = cv2.resize(cv2.imread(str(image)), (150, 150))
        cv2.imwrite(str(image), larger)
    purge("--like", str(places / "her.png"), "--yes")
    assert len(list((places / "faces").glob("*.png"))) == 2


@pytest.mark.parametrize(
    ("people", "words"),
    [
        ([], "no face found"),
        ([("s1/1.pgm", 40), ("s2/1.pgm", 400)], "2 faces found"),
    ],
    ids=["nobody", "two people"],
)
def test_a_photograph_is_of_one_person(places, purge, people, words):
    heads = [(head(file, 2 * SMALL), (left, 100)) for file, left in people]
    cv2.imwrite(str(places / "odd.png"), frame_with(heads, 800, 500))
    code, said = purge("--like", str(places / "odd.png"), "--yes")
    assert code == 64
    assert words in said.err
    assert left(places) == (4, 4, 8)


def test_it_must_be_said_which_faces(places, purge):
    code, said = purge()
    assert code == 64
    assert "--older-than, --camera or --like" in said.err
    assert left(places) == (4, 4, 8)


def test_like_needs_a_pair(places, capsys):
    words = ["purge", "--like", str(places / "her.png"), "--directory", str(places / "faces")]
    assert main(words) == 64
    assert "give --config or --pair" in capsys.readouterr().err
