"""The account of killed gates: what it notices, and that few kills lose nothing."""

import subprocess
import sys

import pytest

from tests.edge.mqtt_broker import mosquitto
from tests.edge.taken_faces import compared
from tests.soak_kills import problems
from tests.soak_scene import ROOT

SOUND = {
    "faces": 2,
    "lost": {},
    "changed": 0,
    "faults": [],
    "set aside": [],
    "exit code": 0,
    "ledger": {"http": {"queued": 2}, "mqtt": {"queued": 2}},
}


def test_a_face_that_only_the_witness_has_seen_is_lost_everywhere():
    account = compared({"a", "b"}, {"http": [("a", "1")], "mqtt": [("a", "1")]})
    assert account["lost"] == {"http": ["b"], "mqtt": ["b"]}


def test_a_face_that_came_to_one_receiver_only_is_lost_at_the_other():
    account = compared({"a"}, {"http": [("a", "1")], "mqtt": [("a", "1"), ("b", "2")]})
    assert account["lost"] == {"http": ["b"]}
    assert account["faces"] == 2


def test_a_face_that_came_twice_is_counted_once_and_its_second_image_is_a_change():
    account = compared({"a"}, {"http": [("a", "1"), ("a", "1")], "mqtt": [("a", "2")]})
    assert account["taken"] == {"http": 1, "mqtt": 1}
    assert account["sent again"] == {"http": 1, "mqtt": 0}
    assert account["changed"] == 1


@pytest.mark.parametrize(
    ("difference", "problem"),
    [
        ({"lost": {"http": ["a"]}}, "lost"),
        ({"changed": 1}, "changed"),
        ({"faults": ["a thread ended"]}, "faults"),
        ({"set aside": ["outbox.sqlite.corrupt-1"]}, "set aside"),
        ({"exit code": 1}, "exit code"),
        ({"ledger": {"http": {"queued": 2}, "mqtt": {"queued": 1}}}, "ledger"),
    ],
)
def test_each_kind_of_loss_is_a_problem(difference, problem):
    assert problems(SOUND) == []
    assert problems(SOUND | difference) == [problem]


@pytest.mark.registry
def test_four_kills_of_the_real_program_lose_no_face():
    mosquitto()
    kills = [sys.executable, "-m", "tests.soak_kills", "--kills", "4", "--seed", "5"]
    run = subprocess.run(kills, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert '"problems": []' in run.stdout
