"""Cron texts of time cycles, an extension to ISO 8601 that modelers and other engines write. Pure arithmetic on given moments.

Two forms, told apart by their number of fields:
- five, as in Unix: minute hour day-of-month month day-of-week (0 and 7 are Sunday). Where both days are restricted, one of them suffices.
- six or seven, as in Quartz and Spring: second first, a year last if any. Days of the week by name only, because Quartz counts them from
  Sunday = 1 and Spring from Sunday = 0; only one of the two days is restricted, because they combine them differently.

Times are UTC, or at a fixed offset with `CRON_TZ=+08:00` in front. Names of zones are refused: their rules change, and with them would the times
that a record once gave. Also `@hourly @daily @midnight @weekly @monthly @yearly @annually`, `?` for any day, `L` for the last day of the
month, `FRI#2` for its second and `FRIL` for its last Friday.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache

from engine.errors import InvalidInput

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
MONTHS = {name: number for number, name in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1)}
DAYS = {name: number for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])}
_LIKE = re.compile(r"\s*(CRON_TZ=\S+\s+)?(@[a-z]+|[\d*/,\-]+\s+[\d*/,\-]+(\s+[\w*?/,\-#]+){3,5})\s*", re.IGNORECASE)
_OFFSET = re.compile(r"([+-])(\d\d):?([0-5]\d)")
YEARS_AHEAD = 40  # a fifth Friday in February comes again after 40 years at most (over a century year without a leap day)

DayTest = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Cron:
    """A read text. `days` judges a date, its month and year excepted."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int] | None
    days: DayTest
    zone: timezone
    text: str

    def after(self, moment: datetime) -> datetime:
        """The first time after the moment, UTC. Raises InvalidInput when there is none within 40 years."""
        local = (moment.astimezone(self.zone) + timedelta(seconds=1)).replace(microsecond=0)
        for day in self._dates(local.date()):
            clock = self._clock(local.time() if day == local.date() else time())
            if clock is not None:
                return datetime.combine(day, clock, self.zone).astimezone(UTC)
        raise InvalidInput(f"{self.text!r} gives no time within {YEARS_AHEAD} years.")

    def _dates(self, start: date) -> Iterator[date]:
        for months in range(YEARS_AHEAD * 12 + 1):
            year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
            month += 1
            if year > date.max.year or month not in self.months or (self.years is not None and year not in self.years):
                continue
            first = start.day if not months else 1
            for number in range(first, monthrange(year, month)[1] + 1):
                if self.days(date(year, month, number)):
                    yield date(year, month, number)

    def _clock(self, earliest: time) -> time | None:
        """The first time of day that is not before `earliest`."""
        for hour in self.hours:
            for minute in self.minutes if hour >= earliest.hour else ():
                for second in self.seconds if (hour, minute) >= (earliest.hour, earliest.minute) else ():
                    if (found := time(hour, minute, second)) >= earliest:
                        return found
        return None


def looks_cron(text: str) -> bool:
    """Is it meant as one (and not as ISO 8601 or an expression)?"""
    return bool(_LIKE.fullmatch(text))


@lru_cache(maxsize=1024)
def cron(text: str) -> Cron:
    """Read a text. Raises InvalidInput with what is wrong."""
    if len(text) > 200:
        raise InvalidInput("A cron text of more than 200 characters is not read.")
    fields, zone = text.split(), UTC
    if fields and fields[0].upper().startswith("CRON_TZ="):
        zone = _zone(fields.pop(0)[8:])
    if len(fields) == 1 and fields[0].startswith("@"):
        fields = MACROS.get(fields[0].lower(), "").split()
    if len(fields) not in (5, 6, 7):
        raise InvalidInput(f"{text!r} is not a cron text such as 0 12 * * 1-5.")
    fields = [field.upper() for field in fields]
    second, minute, hour, day, month, weekday, *year = fields if len(fields) > 5 else ["0", *fields]
    return Cron(
        tuple(sorted(_numbers("second", second, 0, 59))),
        tuple(sorted(_numbers("minute", minute, 0, 59))),
        tuple(sorted(_numbers("hour", hour, 0, 23))),
        frozenset(_numbers("month", month, 1, 12, MONTHS)),
        frozenset(_numbers("year", year[0], 1970, 2199)) if year and year[0] != "*" else None,
        _days(day, weekday, counted=len(fields) == 5),
        zone,
        text,
    )


def _zone(said: str) -> timezone:
    if said.upper() in ("UTC", "Z"):
        return UTC
    match = _OFFSET.fullmatch(said)
    if match is None or int(match[2]) > 14:
        raise InvalidInput(f"The time zone {said!r} of a cron text must be UTC or an offset such as +08:00.")
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset)


def _days(day: str, weekday: str, *, counted: bool) -> DayTest:
    """`counted`: numbers of week days are those of Unix."""
    free = [field in ("*", "?") for field in (day, weekday)]
    if not counted and not any(free):
        raise InvalidInput("A cron text with seconds restricts either the day of the month or the day of the week; write ? for the other.")
    if not counted and re.search(r"(?<![\dA-Z#/])\d", weekday):
        raise InvalidInput(f"The days of the week {weekday!r} must be written by name (MON-FRI): their numbers mean other days in other tools.")
    by_month, by_week = _month_days(day), _week_days(weekday)
    # Unix: a field that begins with * restricts nothing by itself, even as */2; then both must hold.
    either = counted and not day.startswith("*") and not weekday.startswith("*") and not any(free)
    return (lambda one: by_month(one) or by_week(one)) if either else (lambda one: by_month(one) and by_week(one))


def _month_days(field: str) -> DayTest:
    if field == "?":
        return lambda _: True
    if field == "L":
        return lambda one: one.day == monthrange(one.year, one.month)[1]
    numbers = _numbers("day of the month", field, 1, 31)
    return lambda one: one.day in numbers


def _week_days(field: str) -> DayTest:
    if field == "?":
        return lambda _: True
    special = re.fullmatch(r"([A-Z]{3})(?:#([1-5])|L)", field)
    if special is not None and special[1] in DAYS:
        return _nth(DAYS[special[1]], int(special[2]) if special[2] else None)
    numbers = {number % 7 for number in _numbers("day of the week", field, 0, 7, DAYS)}
    return lambda one: one.isoweekday() % 7 in numbers


def _nth(weekday: int, nth: int | None) -> DayTest:
    """The nth such day of a month; None: the last."""

    def test(one: date) -> bool:
        if one.isoweekday() % 7 != weekday:
            return False
        return one.day + 7 > monthrange(one.year, one.month)[1] if nth is None else (one.day - 1) // 7 + 1 == nth

    return test


def _numbers(what: str, field: str, low: int, high: int, names: Mapping[str, int] | None = None) -> frozenset[int]:
    """`*`, `5`, `1-5`, `FRI-MON`, `*/15`, `10-40/5`, `5/15` (from 5 on), and lists of them."""
    found: set[int] = set()
    for part in field.split(","):
        match = re.fullmatch(r"(\*|(\w+)(?:-(\w+))?)(?:/(\d{1,4}))?", part)
        step = int(match[4]) if match is not None and match[4] else 1
        if match is None or step < 1:
            raise InvalidInput(f"{field!r} is no {what} of a cron text.")
        first, last = low, high
        if match[1] != "*":
            first = _number(what, match[2], low, high, names)
            last = _number(what, match[3], low, high, names) if match[3] else high if match[4] else first
        if first <= last:
            found |= set(range(first, last + 1, step))
        elif names is DAYS:
            found |= {number % 7 for number in range(first, last + 8, step)} - {7}
        else:
            raise InvalidInput(f"{part!r} is no {what} of a cron text: it begins after its end.")
    return frozenset(found)


def _number(what: str, said: str, low: int, high: int, names: Mapping[str, int] | None) -> int:
    number = int(said) if said.isdecimal() and said.isascii() and len(said) <= 4 else (names or {}).get(said, -1)
    if not low <= number <= high:
        raise InvalidInput(f"{said!r} is no {what} of a cron text.")
    return number
