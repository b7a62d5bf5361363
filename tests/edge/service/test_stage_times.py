import json
import math
from typing import cast

import cv2
import numpy as np
import pytest
from rich.progress import Progress

from edge.__main__ import main
from edge.config.model import Config
from edge.errors import EdgeError
from edge.pipeline.open_networks import Networks
from edge.service.stage_times import NEEDED, STAGES, Clock, Pass, stage_times, timed_pass
from engines.pair.pair import EnginePair
from tests.edge.canned import BrightnessPair, CannedDetector, upright_face


def one_pass(frames=10, **seconds):
    done = Pass(frames=frames)
    for stage, taken in seconds.items():
        done.took(stage, taken)
    return done


def test_the_ratio_is_the_whole_over_what_no_gate_can_do_without():
    taken = one_pass(decode=1, convert=0.5, detect=2, embed=1, whole=5)
    assert stage_times([taken]).ratio == 1.25


def test_what_no_stage_took_is_shown_as_other():
    times = stage_times([one_pass(decode=1, convert=0.5, detect=2, embed=1, whole=5)])
    assert times.milliseconds["detect"] == 200
    assert times.milliseconds["other"] == pytest.approx(50)


def test_a_slow_pass_does_not_change_the_median():
    quick, slow = one_pass(decode=1, whole=1), one_pass(decode=50, whole=100)
    assert stage_times([quick, slow, quick]).ratio == 1
    assert stage_times([quick, slow, quick]).milliseconds["whole"] == 100


def test_the_clock_of_stages_does_not_count_what_it_costs_to_read_it():
    reading = iter(range(10**6))  # each reading costs a second
    clock = Clock(lambda: float(next(reading)))
    began_s = clock()
    for _ in range(100):
        clock()
    assert clock() - began_s == pytest.approx(0, abs=1e-6)


@pytest.fixture
def clip(tmp_path):
    """A grey video of five pictures."""
    path = tmp_path / "clip.mp4"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (320, 320))
    for _ in range(5):
        video.write(np.full((320, 320, 3), 200, np.uint8))
    video.release()
    return path


def through_the_gate(clip, detector):
    settings = {
        "pair": str(clip.parent),
        "sources": [{"name": "clip", "uri": str(clip)}],
        "sinks": [{"type": "directory", "path": str(clip.parent / "faces")}],
    }
    networks = Networks(detector, cast("EnginePair", BrightnessPair()))
    problems: list[EdgeError] = []
    with Progress(disable=True) as bars:
        config = Config.model_validate(settings)
        done = timed_pass(clip, networks, config, bars, problems.append)
    assert problems == []
    return done


class BusyDetector(CannedDetector):
    """Computes for so long that it would be seen if it were counted under two stages."""

    def detect(self, pixels):
        np.linalg.svd(np.ones((200, 200)))
        return super().detect(pixels)


def test_every_stage_of_a_video_takes_its_time_and_no_time_is_counted_twice(clip):
    done = through_the_gate(clip, BusyDetector([upright_face()]))
    assert (done.frames, done.faces) == (5, 5)
    assert done.scored >= done.forwarded == 1
    assert all(done.seconds[stage] > 0 for stage in STAGES)
    assert math.fsum(done.seconds[stage] for stage in STAGES) <= done.seconds["whole"]


class Local(CannedDetector):
    """Finds where it is asked what it finds in the whole, and counts how often it is asked."""

    def __init__(self, faces):
        super().__init__(faces)
        self.whole = self.near = 0

    def detect(self, pixels):
        self.whole += 1
        return super().detect(pixels)

    def detect_near(self, pixels, _box):
        self.near += 1
        return super().detect(pixels)

    def smallest_sought(self):
        return 40


def test_a_video_is_searched_where_run_searches_it(clip):
    detector = Local([upright_face()])
    done = through_the_gate(clip, detector)
    assert (detector.whole, detector.near) == (3, 2)
    assert (done.frames, done.faces) == (5, 5)


@pytest.mark.registry
def test_bench_takes_the_faces_of_a_video_that_run_takes(material, tmp_path, capsys):
    words = ["--detector", "ultraface68", "--rounds", "1", "--json"]
    pair, video = str(material / "pair"), str(material / "walks.mp4")
    assert main(["bench", "--pair", pair, "--video", video, *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "edge-gate/bench-video/1"
    assert set(told["milliseconds"]) == {*STAGES, "other", "whole"}
    assert told["ratio"] >= 1
    needed = sum(told["milliseconds"][stage] for stage in NEEDED)
    assert told["ratio"] == pytest.approx(told["milliseconds"]["whole"] / needed)
    config = tmp_path / "run.yaml"
    config.write_text(
        f"pair: {pair}\ndetector: {{name: ultraface68}}\n"
        f"sources: [{{name: video, uri: {video}}}]\nsinks: [{{type: directory, path: faces}}]\n"
    )
    assert main(["run", "--config", str(config)]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert f"video: {told['faces']} faces: {told['forwarded']} forwarded" in said


def test_a_video_that_is_missing_is_an_error_and_so_is_a_picture_beside_it(tmp_path, capsys):
    missing = str(tmp_path / "none.mp4")
    assert main(["bench", "--video", missing]) != 0
    assert "none.mp4: no such video file" in " ".join(capsys.readouterr().err.split())
    assert main(["bench", "--video", missing, "--image", missing]) == 64
    assert "leave out --image and --network" in " ".join(capsys.readouterr().err.split())
