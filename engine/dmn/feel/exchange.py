"""JSON values to FEEL values and back.

In: numbers become decimals, objects contexts; text stays text unless a declared type says that it is a date, time or duration. Out: whole numbers
become int, others the nearest float (decimal text could not be computed with by the caller), temporal values their ISO 8601 text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engine.dmn.feel.calendar import Date, DateTime, Months, Span, Time
from engine.dmn.feel.calendar_text import read_date, read_date_time, read_duration, read_time, write
from engine.dmn.feel.functions.conversion import text_of
from engine.dmn.feel.types import Type
from engine.dmn.feel.values import CONTEXT, FeelLimit, Function, Range, Value, weight
from engine.model.values import Json

MAX_DEPTH = 100
MAX_PARTS = 200_000
_READERS = {
    "date": read_date,
    "time": read_time,
    "date and time": read_date_time,
    "days and time duration": read_duration,
    "years and months duration": read_duration,
    "duration": read_duration,
}


def from_json(value: Any, depth: int = 0) -> Value:
    """A FEEL value. Raises FeelLimit for nesting beyond reason."""
    if depth > MAX_DEPTH:
        raise FeelLimit(f"data nested more than {MAX_DEPTH} levels deep")
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return CONTEXT.create_decimal(value)
    if isinstance(value, float):
        return CONTEXT.create_decimal(repr(value))
    if isinstance(value, Decimal):
        return CONTEXT.create_decimal(value)
    if isinstance(value, Mapping):
        return {str(key): from_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [from_json(item, depth + 1) for item in value]
    if isinstance(value, datetime):
        return read_date_time(value.isoformat())
    return read_date(value.isoformat()) if isinstance(value, date) else value


def typed(value: Value, of: Type) -> Value:
    """Text read as the temporal value that a declared type asks for; anything else as it is."""
    if isinstance(value, str) and of.name in _READERS:
        try:
            return _READERS[of.name](value)
        except ValueError:
            return value
    if isinstance(value, list) and of.item is not None and of.name == "list":
        return [typed(item, of.item) for item in value]
    if isinstance(value, dict) and of.members:
        return {key: typed(item, of.members[key]) if key in of.members else item for key, item in value.items()}
    return value


def to_json(value: Value) -> Json:
    """A JSON value. Ranges and functions become their text. Raises FeelLimit for what is too large to write out."""
    if isinstance(value, list | dict) and weight(value, MAX_PARTS) > MAX_PARTS:
        raise FeelLimit(f"a result of more than {MAX_PARTS} parts")
    return _written(value, 0)


def _finite(value: Decimal) -> float:
    number = float(value)
    if math.isinf(number):
        raise FeelLimit("a number of more than 308 digits")
    return number


def _written(value: Value, depth: int) -> Json:
    if depth > MAX_DEPTH:
        raise FeelLimit(f"a result nested more than {MAX_DEPTH} levels deep")
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.adjusted() < 40 else _finite(value)
    if isinstance(value, list):
        return [_written(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key: _written(item, depth + 1) for key, item in value.items()}
    if isinstance(value, Date | Time | DateTime | Months | Span):
        return write(value)
    return text_of(value) if isinstance(value, Range | Function) else str(value)
