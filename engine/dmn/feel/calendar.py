"""Dates, times and durations of FEEL (DMN 1.5, clause 10.3.2.3): years up to +-999,999,999, nanoseconds, offsets and named zones.

Python's own datetime stops at year 9999 and at microseconds. Text forms are in `calendar_text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, total_ordering
from zoneinfo import ZoneInfo

NANOS = 1_000_000_000
DAY = 86_400 * NANOS
MAX_YEAR = 999_999_999


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + day_of_year - 719_468


def civil_from_days(days: int) -> tuple[int, int, int]:
    """Inverse of `days_from_civil`."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    index = (5 * day_of_year + 2) // 153
    month = index + (3 if index < 10 else -9)
    return year + era * 400 + (month <= 2), month, day_of_year - (153 * index + 2) // 5 + 1


def days_in_month(year: int, month: int) -> int:
    """28 to 31."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


@total_ordering
@dataclass(frozen=True, slots=True)
class Months:
    """A years and months duration."""

    months: int

    def __lt__(self, other: Months) -> bool:
        return self.months < other.months


@total_ordering
@dataclass(frozen=True, slots=True)
class Span:
    """A days and time duration, in nanoseconds."""

    nanos: int

    def __lt__(self, other: Span) -> bool:
        return self.nanos < other.nanos


@total_ordering
@dataclass(frozen=True, slots=True)
class Date:
    """A calendar day."""

    year: int
    month: int
    day: int

    def __post_init__(self) -> None:
        if not (abs(self.year) <= MAX_YEAR and 1 <= self.month <= 12 and 1 <= self.day <= days_in_month(self.year, self.month)):
            raise ValueError("no such day")

    @property
    def days(self) -> int:
        """Days since 1970-01-01."""
        return days_from_civil(self.year, self.month, self.day)

    @staticmethod
    def of_days(days: int) -> Date:
        """Inverse of `days`."""
        return Date(*civil_from_days(days))

    def __lt__(self, other: Date) -> bool:
        return (self.year, self.month, self.day) < (other.year, other.month, other.day)

    def plus_months(self, months: int) -> Date:
        """Same day of a later month, or that month's last."""
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Date(year, month + 1, min(self.day, days_in_month(year, month + 1))) if abs(year) <= MAX_YEAR else Date(year, month + 1, 1)

    @property
    def weekday(self) -> int:
        """1 (Monday) to 7."""
        return (self.days + 3) % 7 + 1

    @property
    def day_of_year(self) -> int:
        """1 to 366."""
        return self.days - days_from_civil(self.year, 1, 1) + 1

    @property
    def week_of_year(self) -> int:
        """ISO 8601 week, 1 to 53."""
        thursday = Date.of_days(self.days - self.weekday + 4)
        return (thursday.day_of_year - 1) // 7 + 1


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day: `nanos` since midnight; `offset` in seconds east of UTC, or the name of a `zone`, or neither (local)."""

    nanos: int
    offset: int | None = None
    zone: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.nanos < DAY:
            raise ValueError("no such time")

    @property
    def local(self) -> bool:
        """Neither offset nor zone."""
        return self.offset is None and self.zone is None

    @property
    def hour(self) -> int:
        """0 to 23."""
        return self.nanos // (3600 * NANOS)

    @property
    def minute(self) -> int:
        """0 to 59."""
        return self.nanos // (60 * NANOS) % 60

    @property
    def second(self) -> int:
        """0 to 59."""
        return self.nanos // NANOS % 60

    @property
    def fraction(self) -> int:
        """Nanoseconds of the second."""
        return self.nanos % NANOS


@dataclass(frozen=True, slots=True)
class DateTime:
    """A day and a time of that day."""

    date: Date
    time: Time

    @property
    def local_nanos(self) -> int:
        """Nanoseconds from 1970-01-01T00:00:00 of the same zone."""
        return self.date.days * DAY + self.time.nanos

    @property
    def instant(self) -> int:
        """Nanoseconds from 1970-01-01T00:00:00Z; a local one is taken as UTC."""
        return self.local_nanos - (offset_of(self) or 0) * NANOS

    def plus(self, nanos: int) -> DateTime:
        """Later by that much; in a zone by as much time as really passes there, although its clock may be put forward or back meanwhile."""
        shift = 0 if self.time.zone is None else _offset_at(self.instant + nanos, self.time.zone) - (offset_of(self) or 0)
        days, of_day = divmod(self.local_nanos + nanos + shift * NANOS, DAY)
        return DateTime(Date.of_days(days), Time(of_day, self.time.offset, self.time.zone))


def offset_of(moment: DateTime) -> int | None:
    """Seconds east of UTC at that moment, or None when it has no zone."""
    if moment.time.zone is None:
        return moment.time.offset
    year = min(max(moment.date.year, 2), 9998)  # zone rules outside Python's years are those of its edges
    day = min(moment.date.day, days_in_month(year, moment.date.month))
    clock = datetime(year, moment.date.month, day, moment.time.hour, moment.time.minute, moment.time.second, tzinfo=zone_of(moment.time.zone))
    return int((clock.utcoffset() or timedelta(0)).total_seconds())


def _offset_at(instant: int, zone: str) -> int:
    """Seconds east of UTC in a zone at an instant."""
    day = Date.of_days(min(max(instant // DAY, days_from_civil(2, 1, 1)), days_from_civil(9998, 12, 31)))
    clock = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=instant % DAY // NANOS)
    return int((clock.astimezone(zone_of(zone)).utcoffset() or timedelta(0)).total_seconds())


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """The zone of that name. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as exc:
        raise ValueError(f"unknown time zone {name}") from exc


def time_instant(time: Time) -> int:
    """Nanoseconds since midnight UTC, for comparing times; a zone counts with its offset on 1970-01-01."""
    if time.local:
        return time.nanos
    return DateTime(Date(1970, 1, 1), time).instant
