"""The page of a fleet in a real browser: no gate, three, fifty; by day and night, two sizes."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from edge.config.delivery import Secret
from edge.config.page import PageSettings
from edge.fleet.gates import HeardGate, HeardGates
from edge.fleet.page import fleet_server
from edge.monitoring.status import LastFace, status_json
from tests.edge.chromium import Tab
from tests.edge.statuses import camera_status, gate_status

LONG = "gate/a-very-long-site-name-somewhere-in-the-north/" + "entrance-" * 7 + "64"
HINT = "no gate has told its status below gate/+: is --topic what the gates have as 'topic:'?"


@dataclass
class Fleet:
    """Satisfies the Protocol `Watched`."""

    heard: HeardGates = field(default_factory=HeardGates)
    problem: str | None = None
    where: str = "mqtts://broker.example:8883"

    def gates(self) -> list[HeardGate]:
        return self.heard.all()

    def nothing_heard(self) -> str:
        return HINT

    def tell(self, name: str, online: bytes = b"online", **keys: object) -> None:
        about = {"device": "x", "time": datetime.now(timezone.utc)}
        status = gate_status(**keys).model_copy(update=about)
        self.heard.take(f"{name}/available", online)
        self.heard.take(f"{name}/status", status_json(status))


def door(name: str = "door", **keys: object):
    seen = datetime.now(timezone.utc) - timedelta(minutes=4)
    return camera_status(name, last_face=LastFace(time=seen, score=71.58), **keys)


def three() -> Fleet:
    fleet = Fleet()
    fleet.tell(LONG, cameras=[door(), door("yard", threshold=25, mode="observe")])
    fleet.tell("gate/north/ramp", cameras=[door(state="lost", error="401: the login is wrong")])
    fleet.tell("gate/north/dead", b"offline", pair_id="mobilefacenet512-0a1b2c3d4e5f", overload=3.0)
    return fleet


def fifty() -> Fleet:
    fleet = Fleet()
    for number in range(50):
        keys: dict[str, Any] = {"overload": 2.0} if number % 17 == 3 else {}
        fleet.tell(f"gate/north/gate-{number:02}", cameras=[door(threshold=number)], **keys)
    return fleet


@pytest.fixture
def look(window):
    """Open the page of a fleet."""
    with ExitStack() as ending:

        def start(fleet: Fleet, settings: PageSettings | None = None, path: str = "") -> Tab:
            server = fleet_server(fleet, settings or PageSettings(listen="127.0.0.1:0"))
            server.start()
            ending.callback(server.stop)
            ending.callback(window.empty)
            window.open(f"http://127.0.0.1:{server.port}/{path}")
            return window

        yield start
        assert window.complaints == []


def test_the_worst_gate_is_first_with_what_is_wrong_in_words(look):
    tab = look(three())
    assert tab.until_text("#verdict", "2 of 3 gates need somebody")
    names = tab.run("[...document.querySelectorAll('#gates strong')].map((one) => one.textContent)")
    assert names == ["gate/north/dead", "gate/north/ramp", LONG]
    assert "offline" in tab.text("#gates > li:nth-child(1) .troubles")
    assert "401" in tab.text("#gates > li:nth-child(2) .troubles")


def test_each_gate_shows_threshold_version_pair_and_last_face(look):
    tab = look(three())
    shown = tab.until_text("#gates > li:nth-child(3)", "25 to 40")
    assert "4 min ago, 71.5" in shown  # never rounded up
    assert "pair" in tab.text("#gates > li:nth-child(3) .pair dd")
    assert "2 engine pairs, whose scores are not comparable" in tab.text("#shares")


def test_cameras_of_a_gate_are_opened_by_keyboard_and_stay_open(look):
    fleet = three()
    tab = look(fleet)
    tab.until_text("#gates > li:nth-child(3)", "2 cameras")
    tab.focus("#gates > li:nth-child(3) summary")
    tab.press("Enter")
    tab.until_text("#gates > li:nth-child(3) .cameras", "observing only")
    fleet.tell("gate/north/dead", b"offline", version="9.9")
    tab.until_text("#gates > li:nth-child(1)", "9.9")
    assert "observing only" in tab.text("#gates > li:nth-child(3) .cameras")


def test_a_gate_that_comes_back_moves_down_and_a_forgotten_one_goes(look):
    fleet = three()
    tab = look(fleet)
    tab.until_text("#gates > li:nth-child(1)", "offline")
    fleet.tell("gate/north/dead")
    for what in ("status", "available"):
        fleet.heard.take(f"gate/north/ramp/{what}", b"")
    tab.until_text("#verdict", "All 2 gates are well")


def test_gates_worth_a_look_are_counted_out_of_all(look):
    assert look(fifty()).until_text("#verdict", "⚠ 3 of 50 gates worth a look")


def test_without_a_gate_the_page_says_what_to_do(look):
    tab = look(Fleet())
    assert HINT in tab.until_text("#empty", "No gate yet")


def test_a_broker_that_is_away_is_told_and_what_was_heard_stays(look):
    fleet = three()
    fleet.problem = "mqtts://broker.example:8883: refused: does a broker listen there?"
    tab = look(fleet)
    tab.until_text("#problem", "does a broker listen there?")
    assert tab.run("document.querySelectorAll('#gates > li').length") == 3


def test_others_need_the_token(look, tmp_path):
    (tmp_path / "token").write_text("correct-horse-battery")
    token = Secret(name="fleet_token_of_a_test", file=tmp_path / "token")
    tab = look(three(), PageSettings(listen="127.0.0.1:0", token=token), "login")
    tab.focus("#token")
    tab.type("correct-horse-battery")
    tab.press("Enter")
    assert tab.until_text("#verdict", "2 of 3 gates")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("make", [Fleet, three, fifty])
def test_nothing_is_wider_than_the_screen(look, make, width, dark, tmp_path):
    fleet = make()
    tab = look(fleet)
    tab.size(width, 900, dark=dark)
    tab.until(f"document.querySelectorAll('#gates > li').length === {len(fleet.gates())}")
    tab.until("document.querySelector('#waiting').hidden")
    tab.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    tab.screenshot(tmp_path / f"{make.__name__}-{width}-{'dark' if dark else 'light'}.png")
    assert tab.run("document.documentElement.scrollWidth") <= width
