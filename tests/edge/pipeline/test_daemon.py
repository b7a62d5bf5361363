"""The whole gate over pictures that a test shows, with a real pair, outbox and sink."""

import json
import logging
import threading

import numpy as np
import pytest

from edge.config.file import read_config
from edge.delivery.outbox_ledger import LedgerRow
from edge.gate.observation import Listeners
from edge.pipeline import daemon as daemon_module
from edge.pipeline.daemon import Daemon
from edge.pipeline.ledger import Counts, Ledger, Ledgers
from edge.pipeline.open_networks import Networks
from edge.samples import Frame
from edge.sources.live import LiveSource
from edge.sources.status import Limits
from engines.errors import BackendError, PairError
from engines.pair.pair import open_pair
from engines.pruning.recipe import Recipe
from tests.edge.canned import CannedDetector, upright_face
from tests.pairs import put_pair, tiny_pair

PATIENCE_S = 60
CONFIGURATION = """\
pair: pair
gate: {threshold: 0, min_inter_eye_distance: 0}
tracks: {duplicate_above: 1, looks: every}
page: {enabled: false}
sources: [%s]
sinks: [{type: directory, path: faces}]
delivery: {outbox: {path: outbox.sqlite}}
"""
DOOR = "{name: door, uri: door.mp4}"
YARD = "{name: yard, uri: yard.mp4}"


class Pictures:
    """A source of pictures with one face each; it holds the last one back until it is told."""

    def __init__(self, name, count=3):
        self._name, self._count, self.going_on = f"{name}.mp4", count, threading.Event()

    def frames(self):
        for index in range(self._count):
            if index == self._count - 1:
                self.going_on.wait(PATIENCE_S)
            yield Frame(np.full((400, 400, 3), 90, np.uint8), self._name, index, index / 10)


class Site:
    """A folder with a configuration, and the daemon that runs it."""

    def __init__(self, folder):
        self.folder = folder
        put_pair(folder)
        for name in ("door", "yard"):
            (folder / f"{name}.mp4").touch()
        self.pictures: dict[str, list[Pictures]] = {"door": [], "yard": []}
        self.ended, self.observed = threading.Event(), []
        self.opened: list[Networks] = []

    def config(self, *sources, text=CONFIGURATION):
        path = self.folder / "gate.yaml"
        path.write_text(text % ", ".join(sources))
        return read_config(path).config

    def start(self, config):
        self.daemon = Daemon(
            config, self.open_source, self.ended.set, Listeners(self.observed.append)
        )
        self.daemon.start()
        return self.daemon

    def open_networks(self, config):
        self.opened.append(Networks(CannedDetector([upright_face()]), open_pair(config.pair)))
        return self.opened[-1]

    def open_source(self, settings, around, _unreadable):
        pictures = Pictures(settings.name)
        self.pictures[settings.name].append(pictures)
        return LiveSource(settings.name, pictures, Limits(is_live=False), around)

    def until_looked_at(self, name, frames):
        (stream,) = (each for each in self.daemon.streams() if each.settings.name == name)
        while stream.counts.looked_at < frames:
            threading.Event().wait(0.01)

    def go_on(self):
        for pictures in (*self.pictures["door"], *self.pictures["yard"]):
            pictures.going_on.set()

    def run_to_the_end(self):
        self.go_on()
        assert self.ended.wait(PATIENCE_S)
        return self.daemon.stop(PATIENCE_S)

    def records(self, folder="faces"):
        return [json.loads(path.read_text()) for path in (self.folder / folder).glob("*.json")]


@pytest.fixture
def site(tmp_path, monkeypatch):
    made = Site(tmp_path)
    monkeypatch.setattr(daemon_module, "open_networks", made.open_networks)
    yield made
    made.go_on()
    made.daemon.stop(0)


def test_each_forwarded_face_is_told_with_camera_score_and_receiver(site, caplog):
    caplog.set_level(logging.INFO)
    site.start(site.config(DOOR))
    site.run_to_the_end()
    (record,) = site.records()
    (line,) = (each for each in caplog.records if "forwarded to" in each.message)
    score = round(record["score"], 1)
    assert line.message == f"door: face of score {score} forwarded to directory"
    assert vars(line)["fields"]["key"] == record["key"][:16]


def test_every_frame_and_face_of_a_run_is_in_the_books_and_in_the_sink(site):
    site.start(site.config(DOOR, YARD))
    ledgers = site.run_to_the_end()
    assert ledgers.imbalances() == []
    assert [(one.name, one.frames, one.counts.forwarded) for one in ledgers.sources] == [
        ("door", 3, 1),
        ("yard", 3, 1),
    ]
    assert [(row.queued, row.delivered) for row in ledgers.sinks] == [(2, 2)]
    assert len(site.records()) == 2
    assert {one.camera for one in site.observed} == {"door", "yard"}


def test_the_end_releases_the_networks(site):
    site.start(site.config(DOOR))
    site.run_to_the_end()
    (networks,) = site.opened
    with pytest.raises(BackendError, match="closed"):
        networks.pair.assess(np.zeros((1, 20, 16, 3), np.uint8))


def test_a_reload_opens_what_is_new_and_disturbs_nothing_else(site):
    daemon = site.start(site.config(DOOR))
    site.until_looked_at("door", 2)
    todo = daemon.reload(site.config(DOOR, YARD))
    assert (todo.opened, todo.closed) == (("yard",), ())
    assert {name: len(made) for name, made in site.pictures.items()} == {"door": 1, "yard": 1}
    assert len(site.opened) == 1
    assert [one.frames for one in site.run_to_the_end().sources] == [3, 3]


def test_a_source_that_is_taken_out_forwards_its_best_face_and_stays_in_the_books(site):
    daemon = site.start(site.config(DOOR, YARD))
    site.until_looked_at("door", 2)
    site.pictures["door"][0].going_on.set()
    daemon.reload(site.config(YARD))
    assert [status.name for status in daemon.sources()] == ["yard"]
    door = next(one for one in daemon.books().sources if one.name == "door")
    assert (door.held, door.counts.forwarded) == (0, 1)
    ledgers = site.run_to_the_end()
    assert {one.name for one in ledgers.sources} == {"door", "yard"}
    assert ledgers.imbalances() == []


def test_a_source_that_comes_back_goes_on_with_its_books(site):
    daemon = site.start(site.config(DOOR, YARD))
    site.until_looked_at("door", 2)
    site.pictures["door"][0].going_on.set()
    daemon.reload(site.config(YARD))
    before = next(one for one in daemon.books().sources if one.name == "door").frames
    daemon.reload(site.config(DOOR, YARD))
    ledgers = site.run_to_the_end()
    (door,) = [one for one in ledgers.sources if one.name == "door"]
    assert door.frames == before + 3
    assert ledgers.imbalances() == []


def test_a_source_that_is_opened_anew_goes_on_with_its_books(site):
    daemon = site.start(site.config(DOOR, YARD))  # the yard goes on whenever the door ends
    site.until_looked_at("door", 2)
    site.pictures["door"][0].going_on.set()
    todo = daemon.reload(site.config(DOOR.replace("}", ", pace: timestamps}"), YARD))
    assert (todo.closed, todo.opened) == (("door",), ("door",))
    assert len(site.pictures["door"]) == 2
    (door,) = (one for one in site.run_to_the_end().sources if one.name == "door")
    assert (door.frames > 3, door.counts.forwarded) == (True, 2)
    assert list(door.imbalances()) == []


def test_another_threshold_is_taken_over_by_the_stream_that_runs(site):
    daemon = site.start(site.config(DOOR))
    site.until_looked_at("door", 2)
    strict = CONFIGURATION.replace("threshold: 0", "shift_at_most: 0")
    todo = daemon.reload(site.config(DOOR, text=strict))
    assert (todo.retuned, todo.opened) == (("door",), ())
    (door,) = site.run_to_the_end().sources
    assert (door.counts.forwarded, door.counts.discarded["low_quality"]) == (1, 1)


def test_a_pair_built_anew_under_the_same_path_is_opened_and_the_old_one_closed(site):
    daemon = site.start(site.config(DOOR))
    site.until_looked_at("door", 2)
    before = daemon.pair_id
    tiny_pair(site.folder, recipe=Recipe(sparsity=0.3))
    assert daemon.reload(site.config(DOOR)).engines
    assert daemon.pair_id != before
    with pytest.raises(BackendError, match="closed"):
        site.opened[0].pair.assess(np.zeros((1, 20, 16, 3), np.uint8))
    site.run_to_the_end()
    assert {record["pair_id"] for record in site.records()} == {before, daemon.pair_id}


def test_a_reload_that_fails_changes_nothing(site):
    config = site.config(DOOR)
    daemon = site.start(config)
    site.until_looked_at("door", 2)
    with pytest.raises(PairError):
        daemon.reload(site.config(YARD, text=CONFIGURATION.replace("pair: pair", "pair: none")))
    assert daemon.config is config
    assert [stream.settings.name for stream in daemon.streams()] == ["door"]
    assert site.run_to_the_end().imbalances() == []


def test_another_sink_takes_over_and_what_the_old_one_had_stays_there(site):
    daemon = site.start(site.config(DOOR, YARD))
    site.until_looked_at("door", 2)
    site.pictures["door"][0].going_on.set()
    daemon.reload(site.config(YARD))  # the best face of the door goes to the first sink
    elsewhere = CONFIGURATION.replace("path: faces", "path: others").replace("outbox.sq", "new.sq")
    assert daemon.reload(site.config(YARD, text=elsewhere)).delivery
    site.run_to_the_end()
    assert [len(site.records(folder)) for folder in ("faces", "others")] == [1, 1]


def test_the_line_of_the_service_manager_says_how_many_cameras_and_faces(site):
    daemon = site.start(site.config(DOOR, YARD))
    site.until_looked_at("door", 2)
    site.until_looked_at("yard", 2)
    assert daemon.status_words().startswith("2/2 sources up; 0 faces forwarded")
    site.run_to_the_end()
    assert daemon.status_words().startswith("0/2 sources up; 2 faces forwarded")


def test_faces_that_went_nowhere_are_told_for_each_source_and_sink():
    row = LedgerRow("http", 5, 1, 1, 0, 0, 0, 1, 1, None)
    ledgers = Ledgers((Ledger("door", 9, Counts(), 0),), (row,))
    assert ledgers.imbalances() == [
        "door: 9 of 9 frames went nowhere",
        "sink http: 1 face went nowhere",
    ]
