"""Conversion functions (DMN 1.5, clause 10.3.4.1) and the text form of every value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from engine.dmn.feel.calendar import NANOS, Date, DateTime, Months, Span, Time
from engine.dmn.feel.calendar_text import read_date, read_date_time, read_duration, read_time, write
from engine.dmn.feel.functions.registry import Run, builtin
from engine.dmn.feel.values import CONTEXT, MAX_TEXT, FeelError, FeelLimit, Function, Range, Value

_NUMBER = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def number_text(value: Decimal) -> str:
    """Without exponent."""
    text = f"{value:f}"
    return "0" if text == "-0" else text


def text_of(value: Value, *, quoted: bool = False) -> str:
    """What `string()` gives; texts inside lists and contexts are quoted."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if quoted else value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, list):
        return "[" + _joined(text_of(item, quoted=True) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + _joined(f"{_key(key)}: {text_of(item, quoted=True)}" for key, item in value.items()) + "}"
    if isinstance(value, Range):
        return _range_text(value)
    if isinstance(value, Function):
        return f"function {value.name}"
    return write(value)


def _joined(parts: Iterable[str]) -> str:
    out: list[str] = []
    size = 0
    for part in parts:
        out.append(part)
        size += len(part)
        if size > MAX_TEXT:
            raise FeelLimit(f"a text of more than {MAX_TEXT} characters")
    return ", ".join(out)


def _key(name: str) -> str:
    return name if re.fullmatch(r"\w[\w ]*", name) else text_of(name, quoted=True)


def _range_text(value: Range) -> str:
    low, high = (text_of(bound, quoted=True) for bound in (value.low, value.high))
    if value.unary is not None:
        return value.unary + (low if value.high is None else high)
    return f"{'[' if value.low_closed else '('}{low}..{high}{']' if value.high_closed else ')'}"


@builtin("string", "from:Any")
def string(_run: Run, value: Value) -> Value:
    return None if value is None else text_of(value)


@builtin("number", "from:string")
@builtin("number", "from:string, grouping separator:string|null, decimal separator:string|null")
def number(_run: Run, text: str, grouping: str | None = None, point: str | None = None) -> Value:
    if grouping not in (None, " ", ",", ".") or point not in (None, ",", ".") or (grouping is not None and grouping == point):
        raise FeelError("number: wrong separators")
    plain = text.replace(grouping, "") if grouping else text
    if point and point != ".":
        plain = plain.replace(point, ".")
    if not _NUMBER.fullmatch(plain):
        raise FeelError(f"number: {text[:40]!r} is no number")
    return CONTEXT.create_decimal(plain)


@builtin("date", "from:string|date|date and time")
def date(_run: Run, value: Value) -> Value:
    if isinstance(value, str):
        return read_date(value)
    return value.date if isinstance(value, DateTime) else value


@builtin("date", "year:number, month:number, day:number")
def date_of_parts(_run: Run, year: Decimal, month: Decimal, day: Decimal) -> Value:
    return Date(whole(year), whole(month), whole(day))


def whole(value: Decimal) -> int:
    """The integer that a number is. Raises ValueError for others."""
    if value != int(value):
        raise ValueError(f"{value} is no whole number")
    return int(value)


@builtin("time", "from:string|time|date and time|date")
def time(_run: Run, value: Value) -> Value:
    if isinstance(value, str):
        return read_time(value)
    if isinstance(value, Date):
        return Time(0, 0)
    return value.time if isinstance(value, DateTime) else value


@builtin("time", "hour:number, minute:number, second:number, offset?:days and time duration|null")
def time_of_parts(_run: Run, hour: Decimal, minute: Decimal, second: Decimal, offset: Span | None = None) -> Value:
    h, m = whole(hour), whole(minute)
    nanos = int(second * NANOS)
    if not (0 <= h < 24 and 0 <= m < 60 and 0 <= nanos < 60 * NANOS):
        raise ValueError("no such time")
    shift = None if offset is None else offset.nanos // NANOS
    if shift is not None and abs(shift) > 18 * 3600:
        raise ValueError("no such offset")
    return Time((h * 60 + m) * 60 * NANOS + nanos, shift)


@builtin("date and time", "from:string|date and time|date")
def date_and_time(_run: Run, value: Value) -> Value:
    if isinstance(value, str):
        return read_date_time(value)
    return DateTime(value, Time(0, 0)) if isinstance(value, Date) else value


@builtin("date and time", "date:date|date and time, time:time")
def date_and_time_of_parts(_run: Run, day: Date | DateTime, clock: Time) -> Value:
    return DateTime(day.date if isinstance(day, DateTime) else day, clock)


@builtin("duration", "from:string|days and time duration|years and months duration")
def duration(_run: Run, value: Value) -> Value:
    return read_duration(value) if isinstance(value, str) else value


@builtin("years and months duration", "from:date|date and time, to:date|date and time")
def years_and_months_duration(_run: Run, start: Date | DateTime, end: Date | DateTime) -> Value:
    if isinstance(start, DateTime):
        start = start.date
    if isinstance(end, DateTime):
        end = end.date
    sign, first, last = (1, start, end) if not end < start else (-1, end, start)
    months = (last.year - first.year) * 12 + last.month - first.month - (1 if last.day < first.day else 0)
    return Months(sign * months)
