"""ISO 8601 dates, durations and repeating intervals, reckoned from the clock reading of a record (BPMN 2.0.2 section 10.5.5, timer).

A date-time without an offset is UTC; a duration's months and years follow the calendar (31 January plus one month is the last of February).
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_NUMBER = r"(\d+(?:[.,]\d+)?)"
_DURATION = re.compile(
    rf"^(-)?P(?=.)(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=.)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?$", re.IGNORECASE
)
_DATE = re.compile(r"^\d{4}-?(\d\d|W\d\d|\d{3})")
_CYCLE = re.compile(r"^R(-1|\d*)/", re.IGNORECASE)


class TimerError(ValueError):
    """The text is no ISO 8601 date, duration or repeating interval, or leaves the calendar."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Calendar months and exact time are kept apart because a month has no fixed length."""

    months: int
    time: timedelta

    def after(self, moment: datetime, times: int = 1) -> datetime:
        return shift(moment, self, times)

    @property
    def positive(self) -> bool:
        return self.months > 0 or self.time > timedelta(0)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a timer fires: at `due`; `remaining` more firings follow (None: for ever).

    Firing number `index` is at `origin` plus `index` intervals (ISO text), so that the last day of a month stays the last day.
    """

    due: datetime
    remaining: int | None = 0
    interval: str | None = None
    origin: datetime | None = None
    index: int = 0

    def following(self) -> Schedule | None:
        """The firing after this one, also when it is already past; None after the last. Raises TimerError."""
        if self.remaining == 0 or self.interval is None or self.origin is None:
            return None
        index = self.index + 1
        left = None if self.remaining is None else self.remaining - 1
        return Schedule(duration(self.interval).after(self.origin, index), left, self.interval, self.origin, index)


def looks_iso(text: str) -> bool:
    """Is it meant as a literal (and not as an expression)?"""
    text = text.strip()
    return bool(_CYCLE.match(text) or _DATE.match(text) or re.match(r"^-?P[\dT]", text, re.IGNORECASE))


def schedule(text: str, form: str, now: datetime) -> Schedule:
    """First firing of a timer whose evaluated text is `text`. `form` is date, duration or cycle; ISO 8601 decides when the text shows another.

    Raises TimerError.
    """
    text = text.strip()
    if _CYCLE.match(text):
        return _cycle(text, now)
    if text[:1] in "Pp-":
        length = duration(text)
        if form == "cycle":
            if not length.positive:
                raise TimerError(f"a cycle needs a positive interval, not {text!r}")
            return Schedule(length.after(now), None, text, now, 1)
        return Schedule(length.after(now))
    return Schedule(date_time(text))


def date_time(text: str) -> datetime:
    """An ISO 8601 date or date-time, aware, UTC. Raises TimerError."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise TimerError(f"{text!r} is no ISO 8601 date or time") from exc


def duration(text: str) -> Duration:
    """An ISO 8601 duration: `P1Y2M3DT4H5M6.5S`, `P2W`. Fractions only of weeks, days, hours, minutes and seconds. Raises TimerError."""
    match = _DURATION.match(text.strip())
    if match is None:
        raise TimerError(f"{text!r} is no ISO 8601 duration")
    sign = -1 if match[1] else 1
    years, months, *rest = (float((group or "0").replace(",", ".")) for group in match.groups()[1:])
    if years != int(years) or months != int(months):
        raise TimerError(f"{text!r} has a part of a year or month")
    weeks, days, hours, minutes, seconds = rest
    try:
        time = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError as exc:
        raise TimerError(f"{text!r} is too long") from exc
    return Duration(sign * int(years * 12 + months), sign * time)


def shift(moment: datetime, length: Duration, times: int = 1) -> datetime:
    """`moment` plus `times` durations; the day is held within the month. Raises TimerError outside the years 1 to 9999."""
    try:
        month = moment.month - 1 + length.months * times
        year, month = moment.year + month // 12, month % 12 + 1
        day = min(moment.day, calendar.monthrange(year, month)[1])
        return moment.replace(year=year, month=month, day=day) + length.time * times
    except (ValueError, OverflowError, calendar.IllegalMonthError) as exc:
        raise TimerError("the timer leaves the calendar") from exc


def _cycle(text: str, now: datetime) -> Schedule:
    """`R3/PT10M`, `R/2026-01-01T00:00:00Z/P1M`, `R2/P1D/2026-12-31`."""
    parts = text.split("/")
    count = parts[0][1:]
    left = None if count in ("", "-1") else int(count) - 1
    if left is not None and left < 0:
        raise TimerError(f"{text!r} repeats zero times")
    if len(parts) == 2:
        interval, origin, index = parts[1], now, 1
    elif len(parts) == 3 and parts[1][:1] in "Pp":  # interval and end: reckoned back from the end
        interval, index = parts[1], 0
        origin = duration(interval).after(date_time(parts[2]), -(left or 0))
    elif len(parts) == 3:
        interval, origin, index = parts[2], date_time(parts[1]), 0
    else:
        raise TimerError(f"{text!r} is no repeating interval")
    length = duration(interval)
    if not length.positive:
        raise TimerError(f"a cycle needs a positive interval, not {text!r}")
    return Schedule(length.after(origin, index), left, interval, origin, index)
