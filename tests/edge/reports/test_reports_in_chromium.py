"""The reports of tune and replay in a real browser, by day and by night, large and small."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.footage.comparison import compare
from edge.footage.comparison_report import Side, as_page
from edge.footage.faces import Observed, ObservedFace
from edge.footage.rerun import Best, Rerun, Sent, Track
from edge.samples import Box, Frame, Reason
from edge.tuning.outcome import Tuning, footage_of
from edge.tuning.report import report
from edge.tuning.steps import Goal, Steps, forward_rates
from edge.tuning.threshold import suggest

FAR = f"/{'a-long-path/' * 30}"
DIFF = f"--- gate.yaml\n+++ gate.yaml\n@@ -1,1 +1,2 @@\n uri: {FAR}\n+  threshold: 7\n"
LONG = "a-name-without-a-blank-" * 3
NIGHT, DAY = "rgb(20, 23, 27)", "rgb(255, 255, 255)"


def picture(number):
    """A square of one colour: nobody's face."""
    pixels = np.full((112, 112, 3), (number * 37 % 256, 90, number * 91 % 256), np.uint8)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def tuned():
    rng = np.random.default_rng(3)
    reasons = (Reason.LOW_QUALITY,) * 4 + (Reason.POSE, Reason.TOO_SMALL)
    faces = [
        ObservedFace(
            LONG[:16], "3.25 s #0", n / 10, n // 6, score, reasons[n % 6], LONG, picture(n)
        )
        for n, score in enumerate(rng.uniform(0, 100, 240))
    ]
    observed = Observed(faces, frames=240, video_s=24.0, confirmed=frozenset(range(40)))
    footage, goal = footage_of(observed), Goal("per_minute", 40.0)
    footage = replace(
        footage, forwarded=lambda by: [footage.track[footage.score >= at] for at in by]
    )
    steps = forward_rates(footage)
    discarded = np.linspace(0, 0.9, steps.threshold.size)
    return Tuning(
        camera=LONG,
        key="sources[0].gate.threshold",
        observed=observed,
        current=30.0,
        goal=goal,
        steps=Steps(steps.threshold, steps.achieved, discarded),
        pair_id="5755cd07398b",
        facts=[("footage", FAR)],
        suggestion=suggest(footage, goal, rng),
        diff=DIFF,
    )


def replayed():
    frames = [Frame(np.empty((0, 0, 3), np.uint8), f"{LONG}.mp4", n, n / 10) for n in range(12)]
    a, b = (
        Side(f"{LONG}.yaml", "5755cd07398b", _rerun(frames, those))
        for those in (range(8), range(4, 12))
    )
    return as_page(a, b, compare(a.rerun, b.rerun, None))


def _rerun(frames, chosen):
    """A person a frame, twelve in all, of whom some get a face."""
    box, done = Box(0, 0, 10, 10), Rerun(12)
    for frame in frames:
        place, number = (frame.source, frame.index), frame.index
        sent = [Sent(frame, box, number, 0, 50.0, "", picture(number))] * (number in chosen)
        low = "score 45.4, threshold 45.6"
        best = Best(45.4, Reason.LOW_QUALITY, low, LONG, picture(number), None)
        done.tracks[number] = Track(number, True, [(place, box)], best, sent)
        done.sent += sent
    return done


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Where each report was written."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "tune.html").write_text(report(tuned()))
    (folder / "replay.html").write_text(replayed())
    return folder


@pytest.fixture(params=["tune", "replay"])
def tab(request, any_tab, pages):
    any_tab.open((pages / f"{request.param}.html").as_uri())
    yield any_tab
    assert any_tab.complaints == []
    asked = {url.partition(":")[0] for url in any_tab.requested}
    assert asked == {"file", "data"}


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_nothing_is_wider_than_the_screen(tab, width):
    tab.size(width, 844)
    assert tab.run("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("width", [1280, 390])
def test_the_two_sides_stand_beside_each_other(tab, width):
    tab.size(width, 844)
    sides = "[...document.querySelector('.pair').children]"
    left, right = tab.run(f"{sides}.map((side) => side.getBoundingClientRect().y)")
    assert left == right


def test_every_picture_is_there_and_says_what_it_shows(tab):
    shown = tab.run("[...document.images].map((one) => [one.naturalWidth, one.alt])")
    assert {width for width, _ in shown} == {112}
    assert all(words.startswith(("face, forwarded, ", "face, discarded, ")) for _, words in shown)


@pytest.mark.parametrize(("dark", "paper"), [(True, NIGHT), (False, DAY)])
def test_the_page_is_dark_at_night(tab, dark, paper):
    tab.size(390, 844, dark=dark)
    assert tab.run("getComputedStyle(document.body).backgroundColor") == paper


@pytest.mark.parametrize("tab", ["tune"], indirect=True)
def test_the_words_of_a_chart_lie_within_it(tab):
    outside = tab.run("""[...document.querySelectorAll("svg text")].filter((one) => {
        const own = one.getBoundingClientRect(), chart = one.closest("svg").getBoundingClientRect();
        return own.left < chart.left || own.right > chart.right || own.top < chart.top - 1;
    }).map((one) => one.textContent)""")
    assert outside == []
