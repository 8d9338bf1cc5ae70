"""Arithmetic and paths of FEEL (DMN 1.5, clauses 10.3.2.13 and 10.3.2.11). Raises FeelError where FEEL says null."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from engine.dmn.feel.calendar import DAY, NANOS, Date, DateTime, Months, Span, Time, offset_of, time_instant
from engine.dmn.feel.values import CONTEXT, MAX_TEXT, FeelError, FeelLimit, Range, Value, kind


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """Result of `left operator right`."""
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return number(operator, left, right)
    if left is None or right is None:
        return None
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            raise FeelLimit(f"a text of more than {MAX_TEXT} characters")
        return left + right
    try:
        found = _TEMPORAL.get((operator, type(left), type(right)))
        if found is not None:
            return found(left, right)
    except (ValueError, OverflowError) as exc:
        raise FeelError(str(exc)) from None
    raise FeelError(f"{kind(left)} {operator} {kind(right)} is not defined")


def number(operator: str, left: Decimal, right: Decimal) -> Decimal:
    """Decimal arithmetic of 34 digits."""
    try:
        if operator == "+":
            return CONTEXT.add(left, right)
        if operator == "-":
            return CONTEXT.subtract(left, right)
        if operator == "*":
            return CONTEXT.multiply(left, right)
        if operator == "/":
            return CONTEXT.divide(left, right)
        return CONTEXT.power(left, right)
    except ArithmeticError as exc:
        raise FeelError(f"{left} {operator} {right}: {type(exc).__name__}") from None


def negate(value: Value) -> Value:
    """Unary minus."""
    if isinstance(value, Decimal):
        return CONTEXT.minus(value)
    if isinstance(value, Months):
        return Months(-value.months)
    if isinstance(value, Span):
        return Span(-value.nanos)
    if value is None:
        return None
    raise FeelError(f"-{kind(value)} is not defined")


def _bounded_span(nanos: Decimal | int) -> Span:
    out = int(nanos)
    if abs(out) > 1 << 120:
        raise FeelError("a duration out of range")
    return Span(out)


def _bounded_months(months: Decimal | int) -> Months:
    out = int(months)
    if abs(out) > 1 << 64:
        raise FeelError("a duration out of range")
    return Months(out)


def _minus_moments(left: DateTime, right: DateTime) -> Span:
    if left.time.local != right.time.local:
        raise FeelError("one of the two has no time zone")
    return Span(left.instant - right.instant)


def _minus_times(left: Time, right: Time) -> Span:
    if left.local != right.local:
        raise FeelError("one of the two has no time zone")
    return Span(time_instant(left) - time_instant(right))


def midnight(day: Date) -> DateTime:
    """A date where a date and time is needed: its midnight in UTC (clause 10.3.2.3.6)."""
    return DateTime(day, Time(0, 0))


def _months_later(moment: DateTime, months: int) -> DateTime:
    return DateTime(moment.date.plus_months(months), moment.time)


def _day_later(day: Date, nanos: int) -> Date:
    return Date.of_days(day.days + nanos // DAY)


def _time_later(time: Time, nanos: int) -> Time:
    return Time((time.nanos + nanos) % DAY, time.offset, time.zone)


def _quotient(left: Value, right: Decimal) -> Decimal:
    return number("/", Decimal(left), right)


_TEMPORAL: dict[tuple[str, type, type], Callable[[Value, Value], Value]] = {
    ("-", Date, Date): lambda a, b: Span((a.days - b.days) * DAY),
    ("-", DateTime, DateTime): _minus_moments,
    ("-", Date, DateTime): lambda a, b: _minus_moments(midnight(a), b),
    ("-", DateTime, Date): lambda a, b: _minus_moments(a, midnight(b)),
    ("-", Time, Time): _minus_times,
    ("+", Date, Months): lambda a, b: a.plus_months(b.months),
    ("-", Date, Months): lambda a, b: a.plus_months(-b.months),
    ("+", Months, Date): lambda a, b: b.plus_months(a.months),
    ("+", DateTime, Months): lambda a, b: _months_later(a, b.months),
    ("-", DateTime, Months): lambda a, b: _months_later(a, -b.months),
    ("+", Months, DateTime): lambda a, b: _months_later(b, a.months),
    ("+", Date, Span): lambda a, b: _day_later(a, b.nanos),
    ("-", Date, Span): lambda a, b: _day_later(a, -b.nanos),
    ("+", Span, Date): lambda a, b: _day_later(b, a.nanos),
    ("+", DateTime, Span): lambda a, b: a.plus(b.nanos),
    ("-", DateTime, Span): lambda a, b: a.plus(-b.nanos),
    ("+", Span, DateTime): lambda a, b: b.plus(a.nanos),
    ("+", Time, Span): lambda a, b: _time_later(a, b.nanos),
    ("-", Time, Span): lambda a, b: _time_later(a, -b.nanos),
    ("+", Span, Time): lambda a, b: _time_later(b, a.nanos),
    ("+", Months, Months): lambda a, b: _bounded_months(a.months + b.months),
    ("-", Months, Months): lambda a, b: _bounded_months(a.months - b.months),
    ("+", Span, Span): lambda a, b: _bounded_span(a.nanos + b.nanos),
    ("-", Span, Span): lambda a, b: _bounded_span(a.nanos - b.nanos),
    ("*", Months, Decimal): lambda a, b: _bounded_months(number("*", Decimal(a.months), b)),
    ("*", Decimal, Months): lambda a, b: _bounded_months(number("*", Decimal(b.months), a)),
    ("*", Span, Decimal): lambda a, b: _bounded_span(number("*", Decimal(a.nanos), b)),
    ("*", Decimal, Span): lambda a, b: _bounded_span(number("*", Decimal(b.nanos), a)),
    ("/", Months, Decimal): lambda a, b: _bounded_months(_quotient(a.months, b)),
    ("/", Span, Decimal): lambda a, b: _bounded_span(_quotient(a.nanos, b)),
    ("/", Months, Months): lambda a, b: _quotient(a.months, Decimal(b.months)),
    ("/", Span, Span): lambda a, b: _quotient(a.nanos, Decimal(b.nanos)),
}


# --- properties ---------------------------------------------------------------------------------------------------
def member(value: Value, name: str) -> Value:
    """`value.name`; null when there is no such member."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list):
        return [member(item, name) for item in value]
    if value is None:
        return None
    properties = _PROPERTIES.get(type(value))
    if properties is not None and name in properties:
        return properties[name](value)
    raise FeelError(f"{kind(value)} has no property {name}")


def _seconds(value: int | None) -> Span | None:
    return None if value is None else Span(value * NANOS)


def _signed(value: int, unit: int, modulus: int) -> Decimal:
    part = abs(value) // unit % modulus if modulus else abs(value) // unit
    return Decimal(-part if value < 0 else part)


_DATE: dict[str, Callable[[Value], Value]] = {
    "year": lambda d: Decimal(d.year),
    "month": lambda d: Decimal(d.month),
    "day": lambda d: Decimal(d.day),
    "weekday": lambda d: Decimal(d.weekday),
}
_TIME: dict[str, Callable[[Value], Value]] = {
    "hour": lambda t: Decimal(t.hour),
    "minute": lambda t: Decimal(t.minute),
    "second": lambda t: Decimal(t.second),
    "time offset": lambda t: _seconds(t.offset),
    "timezone": lambda t: t.zone,
}


def _of_date(read: Callable[[Value], Value]) -> Callable[[Value], Value]:
    return lambda moment: read(moment.date)


def _of_time(read: Callable[[Value], Value]) -> Callable[[Value], Value]:
    return lambda moment: read(moment.time)


_PROPERTIES: dict[type, dict[str, Callable[[Value], Value]]] = {
    Date: _DATE,
    Time: _TIME,
    DateTime: {
        **{name: _of_date(read) for name, read in _DATE.items()},
        **{name: _of_time(read) for name, read in _TIME.items()},
        "time offset": lambda m: _seconds(offset_of(m)),
    },
    Months: {"years": lambda d: _signed(d.months, 12, 0), "months": lambda d: _signed(d.months, 1, 12)},
    Span: {
        "days": lambda d: _signed(d.nanos, DAY, 0),
        "hours": lambda d: _signed(d.nanos, 3600 * NANOS, 24),
        "minutes": lambda d: _signed(d.nanos, 60 * NANOS, 60),
        "seconds": lambda d: _signed(d.nanos, NANOS, 60),
    },
    Range: {
        "start": lambda r: r.low,
        "end": lambda r: r.high,
        "start included": lambda r: r.low_closed,
        "end included": lambda r: r.high_closed,
    },
}
