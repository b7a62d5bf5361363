"""What is told of a configuration before a gate runs."""

from contextlib import closing

import pytest

from edge.config.delivery import OutboxSettings
from edge.delivery.outbox import Outbox
from edge.pipeline.trial import outbox_findings


def fill(folder):
    with pytest.raises(OSError, match="No space left"):
        (folder / "ballast").write_bytes(b"\0" * 2**21)


def test_an_outbox_that_a_full_disk_will_not_take_is_a_problem_before_the_first_start(
    small_file_system,
):
    settings = OutboxSettings(path=small_file_system / "outbox.sqlite")
    assert list(outbox_findings(None)) == []
    assert list(outbox_findings(settings)) == []
    fill(small_file_system)
    (found,) = outbox_findings(settings)
    assert (found.topic, found.state, found.remedy) == ("outbox", "problem", "make room")
    assert "has 0 bytes left, and 131,072 are kept there" in found.text


def test_an_outbox_that_has_its_room_is_none_though_the_disk_is_full(small_file_system):
    settings = OutboxSettings(path=small_file_system / "outbox.sqlite")
    with closing(Outbox(settings, ["http"])) as outbox:
        outbox.count([("http", "queued", 1)])
    fill(small_file_system)
    assert list(outbox_findings(settings)) == []
