"""Date and time functions (DMN 1.5, clause 10.3.4.7): the clock is the evaluation's `now`, in UTC."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

from engine.dmn.feel.calendar import NANOS, Date, DateTime, Time
from engine.dmn.feel.functions.registry import Run, builtin
from engine.dmn.feel.values import Value, equal, kind

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@builtin("now", "")
def now(run: Run) -> Value:
    moment = run.now.astimezone(UTC)
    nanos = ((moment.hour * 60 + moment.minute) * 60 + moment.second) * NANOS + moment.microsecond * 1000
    return DateTime(Date(moment.year, moment.month, moment.day), Time(nanos, 0))


@builtin("today", "")
def today(run: Run) -> Value:
    return now(run).date


def _day(value: Date | DateTime) -> Date:
    return value.date if isinstance(value, DateTime) else value


@builtin("day of year", "date:date|date and time")
def day_of_year(_run: Run, value: Date | DateTime) -> Value:
    return Decimal(_day(value).day_of_year)


@builtin("day of week", "date:date|date and time")
def day_of_week(_run: Run, value: Date | DateTime) -> Value:
    return _DAYS[_day(value).weekday - 1]


@builtin("month of year", "date:date|date and time")
def month_of_year(_run: Run, value: Date | DateTime) -> Value:
    return _MONTHS[_day(value).month - 1]


@builtin("week of year", "date:date|date and time")
def week_of_year(_run: Run, value: Date | DateTime) -> Value:
    return Decimal(_day(value).week_of_year)


@builtin("is", "value1?:Any, value2?:Any")
def same_element(_run: Run, left: Value = None, right: Value = None) -> Value:
    """The same element of the domain: equal instants in different zones are two elements."""
    if kind(left) != kind(right):
        return False
    if isinstance(left, Time | DateTime):
        return bool(left == right)
    return equal(left, right) is True
