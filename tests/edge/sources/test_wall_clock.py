from datetime import datetime, timezone

import pytest

from edge.sources.clock import WallClock

NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("timesyncd", "answered", "moment", "synced"),
    [
        (True, True, NOW, True),
        (True, False, NOW, False),
        (False, False, NOW, True),
        (False, False, datetime(1970, 1, 1, 0, 5, tzinfo=timezone.utc), False),
        (False, False, datetime(2024, 1, 1, tzinfo=timezone.utc), True),
    ],
)
def test_the_clock_is_believed_once_it_was_set(tmp_path, timesyncd, answered, moment, synced):
    folder = tmp_path / "timesync"
    if timesyncd:
        folder.mkdir()
    if answered:
        (folder / "synchronized").touch()
    assert WallClock(moment.timestamp, folder).now() == (moment, synced)
