"""Working days: the public holidays and make-up workdays of China, an override table on top, and what lies beyond as an estimate.

Pure: overrides come in as a mapping. It knows days, not hours; the hour at which a day ends is a setting of the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar

Overrides = Mapping[date, bool]
MAX_DAYS = 1000


@dataclass(frozen=True, slots=True)
class Due:
    """A day; `estimated` (暂估) when a day on the way to it is not covered by published holidays."""

    day: date
    estimated: bool


def working(day: date, overrides: Overrides | None = None) -> tuple[bool, bool]:
    """Whether the day is a working day, and whether that is an estimate (Monday to Friday, holidays not yet published)."""
    if overrides and day in overrides:
        return overrides[day], False
    try:
        return bool(chinese_calendar.is_workday(day)), False
    except NotImplementedError:
        return day.weekday() < 5, True


def after(day: date, count: int, overrides: Overrides | None = None) -> Due:
    """The `count`-th working day after `day` (not counting it); count 0 gives the day itself or, if it is none, the next working day.

    Raises ValueError for a negative count or more than MAX_DAYS.
    """
    if not 0 <= count <= MAX_DAYS:
        raise ValueError(f"between 0 and {MAX_DAYS} working days, not {count}")
    estimated = False
    left = count
    current = day
    if count == 0:
        is_working, guess = working(current, overrides)
        estimated = guess
        while not is_working:
            current += timedelta(days=1)
            is_working, guess = working(current, overrides)
            estimated |= guess
        return Due(current, estimated)
    while left:
        current += timedelta(days=1)
        is_working, guess = working(current, overrides)
        estimated |= guess
        left -= is_working
    return Due(current, estimated)


def between(start: date, end: date, overrides: Overrides | None = None) -> int:
    """Working days after `start` up to and including `end`; 0 when end is not later."""
    days = (end - start).days
    return sum(working(start + timedelta(days=i), overrides)[0] for i in range(1, days + 1))


def closing_moment(day: date, zone: str, closes: str = "18:00") -> datetime:
    """The end of office hours of a day, in UTC. `closes` is HH:MM in the zone."""
    return datetime.combine(day, time.fromisoformat(closes), ZoneInfo(zone)).astimezone(UTC)


def working_days_after(day: str, count: int) -> str:
    """For expressions: ISO day to ISO day, by the published calendar alone (no overrides), so that it is pure."""
    return after(date.fromisoformat(day[:10]), count).day.isoformat()
