from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sources.state import Announced, Availability, CameraState, Patience, State

PATIENCE = Patience()
ALLOWED = {
    State.STARTING: {State.STREAMING, State.LOST, State.DISABLED},
    State.STREAMING: {State.STARTING, State.STALLED, State.LOST, State.DISABLED},
    State.STALLED: {State.STARTING, State.STREAMING, State.LOST, State.DISABLED},
    State.LOST: {State.STARTING, State.DISABLED},
    State.DISABLED: {State.STARTING},
}


@dataclass(frozen=True)
class Step:
    event: str
    seconds: float
    chance: float


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["opening", "frame", "quiet", "failed"]),
        st.floats(0, 100),
        st.floats(0, 1, exclude_max=True),
    )
)


def after(camera: CameraState, event: str, now_s: float, chance: float = 0.0) -> CameraState:
    match event:
        case "frame":
            return camera.frame(now_s, PATIENCE)
        case "failed":
            return camera.failed(now_s, PATIENCE, chance)
    return getattr(camera, event)(now_s)


def walk(steps: list[Step]) -> list[CameraState]:
    now_s = 0.0
    states = [CameraState(State.STARTING, now_s)]
    for step in steps:
        now_s += step.seconds
        states.append(after(states[-1], step.event, now_s, step.chance))
    return states


@given(STEPS)
def test_only_the_drawn_transitions_happen(steps):
    for before, now in pairwise(walk(steps)):
        assert now.state is before.state or now.state in ALLOWED[before.state]


@given(STEPS)
def test_a_retry_is_planned_exactly_while_lost_and_within_the_longest_wait(steps):
    for camera in walk(steps):
        assert (camera.retry_at_s is not None) is (camera.state is State.LOST)
        if camera.retry_at_s is not None:
            wait = camera.retry_at_s - camera.since_s
            assert 0.499 <= wait <= PATIENCE.longest_retry_s + 0.001


@given(STEPS)
def test_since_is_the_moment_of_the_last_change(steps):
    for before, now in pairwise(walk(steps)):
        assert now.since_s >= before.since_s
        if now.since_s == before.since_s:
            continue
        assert now.state is not before.state or now.state is State.STARTING


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], State.STARTING),
        (["frame"], State.STREAMING),
        (["quiet"], State.STARTING),
        (["frame", "quiet"], State.STALLED),
        (["frame", "quiet", "frame"], State.STREAMING),
        (["failed"], State.LOST),
        (["frame", "failed"], State.LOST),
        (["frame", "failed", "frame"], State.LOST),
        (["frame", "quiet", "failed", "opening"], State.STARTING),
        (["disabled", "frame"], State.DISABLED),
        (["disabled", "failed"], State.DISABLED),
    ],
)
def test_events_lead_to_the_state(events, state):
    camera = CameraState(State.STARTING, 0.0)
    for second, event in enumerate(events, start=1):
        camera = after(camera, event, second)
    assert camera.state is state


def test_waits_double_while_a_camera_gives_one_frame_and_dies():
    camera, waits = CameraState(State.STARTING, 0.0), []
    for _ in range(8):
        camera = after(camera, "frame", 0.0)
        camera = after(camera, "failed", 0.0, chance=1.0)
        waits.append(camera.retry_at_s)
        camera = after(camera, "opening", 0.0)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_failures_are_forgotten_once_the_camera_has_settled():
    camera = CameraState(State.STARTING, 0.0, failures=5)
    camera = after(camera, "frame", 0.0)
    assert after(camera, "frame", 29.9).failures == 5
    assert after(camera, "frame", 30.0).failures == 0


def announcements(moments: list[tuple[float, State]]) -> list[tuple[float, Availability]]:
    announced, told = Announced(), []
    for now_s, state in moments:
        following = announced.next(state, now_s, after_s=10)
        if following.availability is not announced.availability:
            told.append((now_s, following.availability))
        announced = following
    return told


def test_a_blink_is_not_announced():
    moments = [(0.0, State.STREAMING), (1.0, State.LOST), (9.0, State.STREAMING)]
    assert announcements(moments) == [(0.0, Availability.ONLINE)]


def test_attempts_to_reconnect_do_not_put_off_the_announcement():
    states = [State.STREAMING, *[State.LOST, State.STARTING] * 6, State.STREAMING]
    assert announcements(list(enumerate(states))) == [
        (0, Availability.ONLINE),
        (11, Availability.OFFLINE),
        (13, Availability.ONLINE),
    ]


def test_a_camera_that_never_starts_is_announced_as_offline():
    moments = [(float(second), State.STARTING) for second in range(12)]
    assert announcements(moments) == [(10.0, Availability.OFFLINE)]


def test_disabling_is_announced_at_once():
    moments = [(0.0, State.STREAMING), (1.0, State.DISABLED)]
    assert announcements(moments)[-1] == (1.0, Availability.DISABLED)


@given(st.lists(st.sampled_from([State.STREAMING, State.LOST])))
def test_offline_events_are_further_apart_than_the_debounce(states):
    told = announcements([(float(second), state) for second, state in enumerate(states)])
    offline = [now_s for now_s, what in told if what is Availability.OFFLINE]
    assert all(later - earlier > 10 for earlier, later in pairwise(offline))
