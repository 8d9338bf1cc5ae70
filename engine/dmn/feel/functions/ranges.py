"""Range functions (DMN 1.5, clause 10.3.4.8, table 78) and `range()`. A point is taken as the range that holds it alone."""

from __future__ import annotations

from collections.abc import Callable

from engine.dmn.feel.functions.registry import Run, builtin
from engine.dmn.feel.values import FeelError, Range, Value, compare


def _lt(left: Value, right: Value) -> bool:
    return _sure(compare("<", left, right))


def _eq(left: Value, right: Value) -> bool:
    return _sure(compare("=", left, right))


def _sure(answer: bool | None) -> bool:
    if answer is None:
        raise FeelError("the bounds have no common order")
    return answer


def _as_range(value: Value) -> Range:
    if isinstance(value, Range):
        return value
    if value is None or isinstance(value, bool | list | dict):
        raise FeelError("no point and no range")
    return Range(value, value, low_closed=True, high_closed=True)


def _relation(name: str, first: str, second: str, holds: Callable[[Range, Range], bool], *, points: str) -> None:
    """Registers a relation. `points`: which of the two may be a point, of `a`, `b`, `ab`."""

    @builtin(name, f"{first}:Any, {second}:Any")
    def function(_run: Run, left: Value, right: Value) -> Value:
        if not isinstance(left, Range) and "a" not in points:
            raise FeelError(f"{name}: the first argument is no range")
        if not isinstance(right, Range) and "b" not in points:
            raise FeelError(f"{name}: the second argument is no range")
        return holds(_as_range(left), _as_range(right))


def _before(a: Range, b: Range) -> bool:
    return _lt(a.high, b.low) or (_eq(a.high, b.low) and not (a.high_closed and b.low_closed))


def _includes(a: Range, b: Range) -> bool:
    low = _lt(a.low, b.low) or (_eq(a.low, b.low) and (a.low_closed or not b.low_closed))
    high = _lt(b.high, a.high) or (_eq(a.high, b.high) and (a.high_closed or not b.high_closed))
    return low and high


def _overlaps(a: Range, b: Range) -> bool:
    return not _before(a, b) and not _before(b, a)


def _overlaps_before(a: Range, b: Range) -> bool:
    starts = _lt(a.low, b.low) or (_eq(a.low, b.low) and a.low_closed and not b.low_closed)
    ends = _lt(a.high, b.high) or (_eq(a.high, b.high) and (not a.high_closed or b.high_closed))
    return starts and ends and not _before(a, b)


def _overlaps_after(a: Range, b: Range) -> bool:
    starts = _lt(b.low, a.low) or (_eq(a.low, b.low) and b.low_closed and not a.low_closed)
    ends = _lt(b.high, a.high) or (_eq(a.high, b.high) and (a.high_closed or not b.high_closed))
    return starts and ends and not _before(b, a)


def _meets(a: Range, b: Range) -> bool:
    return a.high_closed and b.low_closed and _eq(a.high, b.low)


def _finishes(a: Range, b: Range) -> bool:
    low = _lt(b.low, a.low) or (_eq(a.low, b.low) and (not a.low_closed or b.low_closed))
    return _eq(a.high, b.high) and a.high_closed == b.high_closed and low


def _starts(a: Range, b: Range) -> bool:
    high = _lt(a.high, b.high) or (_eq(a.high, b.high) and (not a.high_closed or b.high_closed))
    return _eq(a.low, b.low) and a.low_closed == b.low_closed and high


def _coincides(a: Range, b: Range) -> bool:
    return _eq(a.low, b.low) and _eq(a.high, b.high) and (a.low_closed, a.high_closed) == (b.low_closed, b.high_closed)


def _flipped(holds: Callable[[Range, Range], bool]) -> Callable[[Range, Range], bool]:
    return lambda a, b: holds(b, a)


def _names(name: str, holds: Callable[[Range, Range], bool], points: str, *parameters: tuple[str, str]) -> None:
    for first, second in parameters:
        _relation(name, first, second, holds, points=points)


_POINT_FIRST = (("point1", "point2"), ("point", "range"), ("range", "point"), ("range1", "range2"))
_names("before", _before, "ab", *_POINT_FIRST)
_names("after", _flipped(_before), "ab", *_POINT_FIRST)
_names("meets", _meets, "", ("range1", "range2"))
_names("met by", _flipped(_meets), "", ("range1", "range2"))
_names("overlaps", _overlaps, "", ("range1", "range2"))
_names("overlaps before", _overlaps_before, "", ("range1", "range2"))
_names("overlaps after", _overlaps_after, "", ("range1", "range2"))
_names("finishes", _finishes, "a", ("point", "range"), ("range1", "range2"))
_names("finished by", _flipped(_finishes), "b", ("range", "point"), ("range1", "range2"))
_names("includes", _includes, "b", ("range", "point"), ("range1", "range2"))
_names("during", _flipped(_includes), "a", ("point", "range"), ("range1", "range2"))
_names("starts", _starts, "a", ("point", "range"), ("range1", "range2"))
_names("started by", _flipped(_starts), "b", ("range", "point"), ("range1", "range2"))
_names("coincides", _coincides, "ab", ("point1", "point2"), ("range1", "range2"))


@builtin("range", "from:string")
def range_of(run: Run, text: str) -> Value:
    """A range from its text with literal bounds, such as `[1..5)`."""
    found = run.constant_range(text)
    if not isinstance(found, Range) or (found.low is None and found.high is None):
        raise FeelError("range: no range")
    if None not in (found.low, found.high) and not _sure(compare("<=", found.low, found.high)):
        raise FeelError("range: it ends before it starts")
    return found
