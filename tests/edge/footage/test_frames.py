import time
from functools import partial
from itertools import count
from typing import cast

import cv2
import numpy as np
import pytest
from rich.progress import Progress

from edge.config.model import GateSettings
from edge.errors import EdgeError
from edge.footage.frames import assessments, frames_of
from edge.gate.assess import assess_frame
from edge.sources.files import ImageFiles
from edge.sources.video import VideoFile
from engines.pair.pair import EnginePair
from tests.edge.canned import BrightnessPair, CannedDetector, upright_face


@pytest.fixture
def assess():
    return partial(
        assess_frame,
        detector=CannedDetector([upright_face(80)]),
        pair=cast("EnginePair", BrightnessPair()),
        gate=GateSettings(),
    )


def picture(folder, name):
    cv2.imwrite(str(folder / name), np.full((320, 320, 3), 250, np.uint8))
    return folder / name


def test_a_broken_file_is_reported_and_the_next_source_is_read(tmp_path, assess):
    problems: list[EdgeError] = []
    sources: list[ImageFiles | VideoFile] = [
        VideoFile(tmp_path / "gone.mp4"),
        ImageFiles([tmp_path / "gone.png", picture(tmp_path, "here.png")], problems.append),
    ]
    with Progress(disable=True) as bars:
        found = list(assessments(sources, assess, bars, problems.append))
    assert [one.frame.source for one in found] == [str(tmp_path / "here.png")]
    assert ["gone.mp4" in str(problems[0]), "gone.png" in str(problems[1])] == [True, True]


def test_every_bar_ends_full_even_where_a_file_was_unreadable(tmp_path, assess):
    problems: list[EdgeError] = []
    files = [tmp_path / "gone.png", picture(tmp_path, "here.png")]
    with Progress(disable=True) as bars:
        bars.remove_task(bars.add_task("an earlier step"))
        list(assessments([ImageFiles(files, problems.append)], assess, bars, problems.append))
        assert all(task.finished for task in bars.tasks)


def test_a_bar_shows_how_many_pictures_are_done_while_there_are_more(tmp_path, monkeypatch):
    clock = count(0.0, step=1.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    files = [picture(tmp_path, f"{number}.png") for number in range(3)]
    problems: list[EdgeError] = []
    with Progress(disable=True) as bars:
        frames = frames_of([ImageFiles(files, problems.append)], bars, problems.append)
        assert [bars.tasks[-1].completed for _ in frames] == [0, 1, 2]
