import pytest

from edge.sources.health import PictureHealth
from edge.sources.state import Announced, Availability, CameraState, State
from edge.sources.status import LOOK_AT, SourceStatus, is_bad, status_words


def status_of(state, availability=Availability.ONLINE, **picture):
    return SourceStatus(
        name="door",
        camera=CameraState(state, 0.0),
        announced=Announced(availability),
        picture=PictureHealth(**picture),
        openings=1,
        frames=0,
        dropped=0,
        abandoned=0,
        stuck=0,
        exhausted=False,
        error="no route to host",
    )


@pytest.mark.parametrize(
    ("status", "bad", "words"),
    [
        (status_of(State.STREAMING), False, "door is streaming"),
        (status_of(State.LOST), True, "door is lost: no route to host"),
        (
            status_of(State.LOST, Availability.OFFLINE),
            True,
            "door is lost and announced as offline: no route to host",
        ),
        (status_of(State.STALLED), True, "door is stalled"),
        (
            status_of(State.STREAMING, black_for_s=60),
            True,
            f"door is streaming, but {LOOK_AT['black']}",
        ),
        (
            status_of(State.STREAMING, damaged=3, damaged_at_s=1.0),
            True,
            f"door is streaming, but {LOOK_AT['damaged']}",
        ),
        (status_of(State.DISABLED, black_for_s=60), False, "door is disabled"),
    ],
)
def test_a_line_says_what_to_look_at(status, bad, words):
    assert (is_bad(status), status_words(status)) == (bad, words)
