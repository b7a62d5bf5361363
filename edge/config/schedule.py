"""When a source is looked at: days of the week and hours of local time. Pure: no clock in here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from edge.config.section import Section

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
"""In the order of `datetime.weekday`."""
TimeOfDay = Annotated[
    str,
    Field(
        pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
        json_schema_extra={"$comment": "a time of day from 00:00 to 24:00"},
    ),
]


def _some_day(days: tuple[Day, ...]) -> tuple[Day, ...]:
    if not days:
        raise ValueError("the list of days is empty; leave it out for every day")
    return days


class Hours(Section):
    """Some hours of some days, local time."""

    days: Annotated[tuple[Day, ...], Field(strict=False), AfterValidator(_some_day)] = DAYS
    """On which `start` lies: mon, tue, wed, thu, fri, sat, sun; every day if not set."""
    start: TimeOfDay = "00:00"
    """The first minute, local time."""
    end: TimeOfDay = "24:00"
    """The first minute after; not later than `start` means on the next day."""


def is_scheduled(schedule: Sequence[Hours], local: datetime) -> bool:
    """Tell whether a moment of local time lies in any of the hours; without any, it always does."""
    return not schedule or any(_holds(hours, local) for hours in schedule)


def _holds(hours: Hours, local: datetime) -> bool:
    now = local.hour * 60 + local.minute
    start, end = _minutes(hours.start), _minutes(hours.end)
    today, yesterday = DAYS[local.weekday()], DAYS[local.weekday() - 1]
    if start < end:
        return today in hours.days and start <= now < end
    return (today in hours.days and start <= now) or (yesterday in hours.days and now < end)


def _minutes(time_of_day: str) -> int:
    hours, minutes = time_of_day.split(":")
    return int(hours) * 60 + int(minutes)
