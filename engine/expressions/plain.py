"""JSON values out of Python values, and their comparison. Knows neither expressions nor the sandbox.

Mapping of what JSON does not have: date, time and datetime -> ISO 8601 text; timedelta -> ISO 8601 duration; Decimal -> its text (a float
would lose digits); tuple -> list. Sets (no order), bytes, functions, objects, NaN and Infinity have no JSON form and are refused.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from engine.model.values import Json

MAX_DEPTH = 200
MAX_INTEGER_BITS = 14_000  # about 4,200 decimal digits: Python itself refuses to print more than 4,300


class NotJson(ValueError):
    """The value has no JSON form; the message says which part and why."""


def to_json(value: Any, depth: int = 0) -> Json:
    """A fresh JSON value equal to `value`. Raises NotJson."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        if value.bit_length() > MAX_INTEGER_BITS:
            raise NotJson("an integer of more than 4,200 digits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotJson(f"the number {value}")
        return value
    if depth > MAX_DEPTH:
        raise NotJson(f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, list | tuple):
        return [to_json(item, depth + 1) for item in value]
    return _temporal(value)


def _temporal(value: Any) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise NotJson(f"the number {value}")
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_text(value)
    raise NotJson(f"a value of type {type(value).__name__}")


def _text(value: str) -> str:
    if value.isascii():
        return str(value)
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise NotJson("text with a lone surrogate")
    return unicodedata.normalize("NFC", value)


def _object(value: Mapping[Any, Any], depth: int) -> dict[str, Json]:
    out: dict[str, Json] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotJson(f"an object key of type {type(key).__name__}")
        name = _text(key)
        if name in out:
            raise NotJson("an object that names a key twice after Unicode normalisation")
        out[name] = to_json(item, depth + 1)
    return out


def duration_text(value: timedelta) -> str:
    """ISO 8601 duration in days and seconds: `P1DT30S`, `-PT0.5S`, `PT0S`."""
    if value < timedelta(0):
        return "-" + duration_text(-value)
    seconds = f"{value.seconds}.{value.microseconds:06d}".rstrip("0").rstrip(".") if value.microseconds else str(value.seconds)
    clock = f"T{seconds}S" if seconds != "0" else ""
    days = f"{value.days}D" if value.days else ""
    return f"P{days}{clock}" if days or clock else "PT0S"


def same(left: Any, right: Any) -> bool:
    """Equal as JSON: 1, 1.0 and true are three values; the order of object members does not count."""
    if isinstance(left, Mapping):
        return isinstance(right, Mapping) and left.keys() == right.keys() and all(same(item, right[key]) for key, item in left.items())
    if isinstance(left, list | tuple):
        return isinstance(right, list | tuple) and len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    return type(left) is type(right) and bool(left == right)
