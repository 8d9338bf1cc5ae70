"""Text forms of dates, times and durations, as ISO 8601 and XML Schema write them (DMN 1.5, clause 10.3.4.1). Readers raise ValueError."""

from __future__ import annotations

import re

from engine.dmn.feel.calendar import DAY, NANOS, Date, DateTime, Months, Span, Time, zone_of

_DATE = re.compile(r"(-?)([1-9]\d{4,8}|\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:(Z)|([+-])(\d\d):(\d\d)(?::(\d\d))?|@([A-Za-z][\w/+-]*))?", re.ASCII)
_MONTHS = re.compile(r"(-?)P(?:(\d{1,12})Y)?(?:(\d{1,12})M)?", re.ASCII)
_SPAN = re.compile(r"(-?)P(?:(\d{1,18})D)?(T)?(?:(\d{1,18})H)?(?:(\d{1,18})M)?(?:(\d{1,18})(?:\.(\d*))?S)?", re.ASCII)


def read_date(text: str) -> Date:
    """`2026-01-02`."""
    found = _DATE.fullmatch(text)
    if found is None or (found[1] and int(found[2]) == 0):
        raise ValueError(f"not a date: {text}")
    return Date(int(found[1] + found[2]), int(found[3]), int(found[4]))


def read_time(text: str) -> Time:
    """`10:30:00`, `10:30:00.5+08:00`, `10:30:00@Asia/Shanghai`."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"not a time: {text}")
    hour, minute, second = int(found[1]), int(found[2]), int(found[3])
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"not a time: {text}")
    nanos = ((hour * 60 + minute) * 60 + second) * NANOS + int((found[4] or "0").ljust(9, "0")[:9])
    if found[5]:
        return Time(nanos, 0)
    if found[6]:
        return Time(nanos, _offset(found[6], int(found[7]), int(found[8]), int(found[9] or 0)))
    if found[10]:
        zone_of(found[10])
    return Time(nanos, None, found[10])


def _offset(sign: str, hours: int, minutes: int, seconds: int) -> int:
    if minutes > 59 or seconds > 59 or hours * 3600 + minutes * 60 + seconds > 18 * 3600:
        raise ValueError("not an offset")
    return (hours * 3600 + minutes * 60 + seconds) * (-1 if sign == "-" else 1)


def read_date_time(text: str) -> DateTime:
    """A date, `T`, a time; a date alone means its midnight."""
    day, t, clock = text.partition("T")
    if clock.startswith("24:00:00"):  # the end of the day is the beginning of the next
        return DateTime(Date.of_days(read_date(day).days + 1), read_time("00" + clock[2:]))
    return DateTime(read_date(day), read_time(clock) if t else Time(0))


def read_duration(text: str) -> Months | Span:
    """`P1Y6M`, `P1DT2H3M4.5S`, with an optional leading minus."""
    found = _MONTHS.fullmatch(text)
    if found and (found[2] or found[3]):
        months = int(found[2] or 0) * 12 + int(found[3] or 0)
        return Months(-months if found[1] else months)
    found = _SPAN.fullmatch(text)
    clock = found is not None and any(found[n] for n in (4, 5, 6))
    if found is None or bool(found[3]) != clock or not (clock or found[2]):
        raise ValueError(f"not a duration: {text}")
    seconds = int(found[2] or 0) * 86_400 + int(found[4] or 0) * 3600 + int(found[5] or 0) * 60 + int(found[6] or 0)
    nanos = seconds * NANOS + int((found[7] or "0").ljust(9, "0")[:9])
    return Span(-nanos if found[1] else nanos)


def write(value: Date | Time | DateTime | Months | Span) -> str:
    """The canonical text."""
    if isinstance(value, Date):
        year = f"{abs(value.year):04d}"
        return f"{'-' if value.year < 0 else ''}{year}-{value.month:02d}-{value.day:02d}"
    if isinstance(value, Time):
        return f"{value.hour:02d}:{value.minute:02d}:{value.second:02d}{_fraction(value.fraction)}{_zone(value)}"
    if isinstance(value, DateTime):
        return f"{write(value.date)}T{write(value.time)}"
    if isinstance(value, Months):
        return _months(value.months)
    return _span(value.nanos)


def _fraction(nanos: int) -> str:
    return f".{nanos:09d}".rstrip("0") if nanos else ""


def _zone(time: Time) -> str:
    if time.zone is not None:
        return f"@{time.zone}"
    if time.offset is None:
        return ""
    if time.offset == 0:
        return "Z"
    minutes, seconds = divmod(abs(time.offset), 60)
    return f"{'-' if time.offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}" + (f":{seconds:02d}" if seconds else "")


def _months(months: int) -> str:
    if months == 0:
        return "P0M"
    years, rest = divmod(abs(months), 12)
    return f"{'-' if months < 0 else ''}P{f'{years}Y' if years else ''}{f'{rest}M' if rest else ''}"


def _span(nanos: int) -> str:
    if nanos == 0:
        return "PT0S"
    days, rest = divmod(abs(nanos), DAY)
    seconds, fraction = divmod(rest, NANOS)
    clock = f"{seconds // 3600}H" if seconds >= 3600 else ""
    clock += f"{seconds // 60 % 60}M" if seconds // 60 % 60 else ""
    clock += f"{seconds % 60}{_fraction(fraction)}S" if seconds % 60 or fraction else ""
    return f"{'-' if nanos < 0 else ''}P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}"
