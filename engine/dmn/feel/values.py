"""What FEEL values are in Python, their equality and order (DMN 1.5, clauses 10.3.2.3 and 10.3.2.13).

null None, boolean bool, number Decimal, string str, list list, context dict, temporal values from `calendar`, ranges and functions as below.
The result None of `equal` and `less` means "not comparable", which FEEL calls null.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from engine.dmn.feel.calendar import NANOS, Date, DateTime, Months, Span, Time, time_instant

Value: TypeAlias = Any
"""One of the Python types above."""

CONTEXT = decimal.Context(
    prec=34, rounding=decimal.ROUND_HALF_EVEN, Emin=-6143, Emax=6144, traps=[decimal.DivisionByZero, decimal.InvalidOperation, decimal.Overflow]
)

MAX_LIST = 100_000
MAX_TEXT = 1_000_000


class FeelError(Exception):
    """An operation that FEEL answers with null; the message becomes a warning."""


class FeelLimit(Exception):
    """The evaluation went beyond its budget; nothing catches this inside FEEL."""


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, each belonging to it or not; a unary comparison has None on the side where it is open."""

    low: Value
    high: Value
    low_closed: bool
    high_closed: bool
    unary: str | None = None  # the operator of a comparison such as `< 5`

    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function value: a built-in, a lambda or a business knowledge model. `types` are type names of the parameters, `any` where not given."""

    name: str
    parameters: tuple[str, ...]
    call: Callable[[Sequence[Value]], Value]
    types: tuple[str, ...] = ()
    result: str = "Any"
    host: Callable[[Sequence[Value], Mapping[str, Value]], Value] | None = None  # a function outside FEEL: it knows its parameters itself


def kind(value: Value) -> str:
    """The FEEL name of the value's type."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "boolean"
    return _KINDS.get(type(value), "Any")


_KINDS: dict[type, str] = {
    Decimal: "number",
    str: "string",
    Date: "date",
    Time: "time",
    DateTime: "date and time",
    Months: "years and months duration",
    Span: "days and time duration",
    list: "list",
    dict: "context",
    Range: "range",
    Function: "function",
}


def equal(left: Value, right: Value) -> bool | None:
    """FEEL equality; None when the kinds differ."""
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right if isinstance(left, bool) and isinstance(right, bool) else None
    if type(left) is not type(right):
        return None
    special = _EQUAL.get(type(left))
    return bool(left == right) if special is None else special(left, right)


def _equal_all(left: Sequence[Value], right: Sequence[Value]) -> bool:
    return all(equal(a, b) is True for a, b in zip(left, right, strict=True))


def _equal_ranges(left: Range, right: Range) -> bool:
    ends = (left.low_closed, left.high_closed, left.unary) == (right.low_closed, right.high_closed, right.unary)
    return ends and _equal_all([left.low, left.high], [right.low, right.high])


_EQUAL: dict[type, Callable[[Any, Any], bool]] = {
    list: lambda a, b: len(a) == len(b) and _equal_all(a, b),
    dict: lambda a, b: a.keys() == b.keys() and _equal_all(list(a.values()), [b[key] for key in a]),
    Range: _equal_ranges,
    Function: lambda a, b: a is b,
    # Equality looks at whole seconds (clause 10.3.2.3.4 compares the properties hour, minute, second).
    Time: lambda a, b: a.local == b.local and time_instant(a) // NANOS == time_instant(b) // NANOS,
    DateTime: lambda a, b: a.time.local == b.time.local and a.instant // NANOS == b.instant // NANOS,
}


def less(left: Value, right: Value) -> bool | None:
    """Whether left comes before right; None when they have no order."""
    if isinstance(left, bool) or type(left) is not type(right):
        return None
    if isinstance(left, Decimal | str | Date | Months | Span):
        return bool(left < right)
    if isinstance(left, Time):
        return time_instant(left) < time_instant(right) if left.local == right.local else None
    if isinstance(left, DateTime):
        return left.instant < right.instant if left.time.local == right.time.local else None
    return None


def compare(operator: str, left: Value, right: Value) -> bool | None:
    """`=`, `!=`, `<`, `<=`, `>`, `>=`; None for null."""
    if operator in ("=", "!="):
        same = equal(left, right)
        return same if same is None or operator == "=" else not same
    if operator in (">", "<="):
        left, right = right, left
    before = less(left, right)
    return before if before is None or operator in ("<", ">") else not before


def includes(span: Range, value: Value) -> bool | None:
    """Whether the value lies in the range; None when it has no order with a bound."""
    if span.unary is not None:
        return compare(span.unary, value, span.low if span.high is None else span.high)
    above = compare(">=" if span.low_closed else ">", value, span.low)
    return compare("<=" if span.high_closed else "<", value, span.high) if above else above


def matches(value: Value, test: Value) -> bool | None:
    """The `in` operator for one test value: a range includes, a list holds or has a range that includes, anything else equals."""
    if isinstance(test, Range) and not isinstance(value, Range):
        return includes(test, value)
    if isinstance(test, list) and not isinstance(value, list):
        return any(matches(value, item) for item in test)
    if isinstance(test, list) and isinstance(value, list):
        return equal(value, test) is True or any(equal(value, item) is True for item in test)
    return equal(value, test)


def weight(value: Value, limit: int) -> int:
    """Number of parts of a list or context, nested ones included, each as often as it occurs; stops counting beyond `limit`.

    Values share their parts: three nested loops make a list of 10^9 parts out of 3,000 objects, which nobody may compare or write out.
    """
    count = 0
    stack = [value]
    while stack and count <= limit:
        top = stack.pop()
        parts = list(top.values()) if isinstance(top, dict) else top
        count += len(parts) + 1
        stack += [part for part in parts if isinstance(part, list | dict)]
    return count


def as_list(value: Value) -> list[Value]:
    """The list itself, or a list of one (DMN 1.5, clause 10.3.2.9.4)."""
    return value if isinstance(value, list) else [value]
