"""List functions (DMN 1.5, clause 10.3.4.4) and sort (10.3.4.6)."""

from __future__ import annotations

import functools
from decimal import Decimal

from engine.dmn.feel.calendar import Months, Span
from engine.dmn.feel.functions.conversion import whole
from engine.dmn.feel.functions.registry import Run, builtin
from engine.dmn.feel.operators import arithmetic, number
from engine.dmn.feel.values import CONTEXT, MAX_LIST, FeelError, FeelLimit, Function, Value, as_list, less


def _bounded(items: list[Value]) -> list[Value]:
    if len(items) > MAX_LIST:
        raise FeelLimit(f"a list of more than {MAX_LIST} items")
    return items


def _spread(items: list[Value]) -> list[Value]:
    """`f([1, 2])` and `f(1, 2)` are the same."""
    return items[0] if len(items) == 1 and isinstance(items[0], list) else items


@builtin("list contains", "list:list, element:Any")
def list_contains(run: Run, items: list[Value], element: Value) -> Value:
    return any(run.same(item, element) is True for item in items)


@builtin("count", "list:list")
def count(_run: Run, items: list[Value]) -> Value:
    return Decimal(len(items))


@builtin("count", "list*:Any")
def count_all(_run: Run, items: list[Value]) -> Value:
    return Decimal(len(items))


def _extreme(items: list[Value], *, smallest: bool) -> Value:
    if not items:
        return None
    best = items[0]
    if less(best, best) is None:
        raise FeelError("min, max: the items have no order")
    for item in items[1:]:
        before = less(item, best) if smallest else less(best, item)
        if before is None:
            raise FeelError("min, max: the items have no common order")
        best = item if before else best
    return best


@builtin("min", "list:list")
def minimum(_run: Run, items: list[Value]) -> Value:
    return _extreme(items, smallest=True)


@builtin("min", "c*:Any")
def minimum_of(_run: Run, items: list[Value]) -> Value:
    return _extreme(items, smallest=True)


@builtin("max", "list:list")
def maximum(_run: Run, items: list[Value]) -> Value:
    return _extreme(items, smallest=False)


@builtin("max", "c*:Any")
def maximum_of(_run: Run, items: list[Value]) -> Value:
    return _extreme(items, smallest=False)


def _total(items: list[Value]) -> Value:
    if not items or not all(isinstance(item, Decimal | Months | Span) for item in items):
        raise FeelError("sum, mean: no numbers")
    return functools.reduce(lambda a, b: arithmetic("+", a, b), items)


@builtin("sum", "list:list")
def total(_run: Run, items: list[Value]) -> Value:
    return _total(items)


@builtin("sum", "n*:Any")
def total_of(_run: Run, items: list[Value]) -> Value:
    return _total(items)


@builtin("mean", "list:list")
def mean(_run: Run, items: list[Value]) -> Value:
    return arithmetic("/", _total(items), Decimal(len(items)))


@builtin("mean", "n*:Any")
def mean_of(run: Run, items: list[Value]) -> Value:
    return mean(run, items)


def _numbers(items: list[Value]) -> list[Decimal]:
    if not all(isinstance(item, Decimal) for item in items):
        raise FeelError("an item is no number")
    return items


@builtin("product", "list:list")
def product(_run: Run, items: list[Value]) -> Value:
    return functools.reduce(lambda a, b: number("*", a, b), _numbers(items)) if items else None


@builtin("product", "n*:Any")
def product_of(run: Run, items: list[Value]) -> Value:
    return product(run, items)


@builtin("median", "list:list")
def median(_run: Run, items: list[Value]) -> Value:
    ordered = sorted(_numbers(items))
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else number("/", number("+", ordered[middle - 1], ordered[middle]), Decimal(2))


@builtin("median", "n*:Any")
def median_of(run: Run, items: list[Value]) -> Value:
    return median(run, items)


@builtin("stddev", "list:list")
def stddev(_run: Run, items: list[Value]) -> Value:
    """Of a sample: divided by n - 1."""
    values = _numbers(items)
    if len(values) < 2:
        raise FeelError("stddev: fewer than two numbers")
    middle = number("/", _total(items), Decimal(len(values)))
    squares = [number("*", number("-", value, middle), number("-", value, middle)) for value in values]
    return CONTEXT.sqrt(number("/", _total(list(squares)), Decimal(len(values) - 1)))


@builtin("stddev", "n*:Any")
def stddev_of(run: Run, items: list[Value]) -> Value:
    return stddev(run, items)


@builtin("mode", "list:list")
def mode(_run: Run, items: list[Value]) -> Value:
    counts: dict[Decimal, int] = {}
    for value in _numbers(items):
        counts[value] = counts.get(value, 0) + 1
    most = max(counts.values(), default=0)
    return sorted(value for value, times in counts.items() if times == most)


@builtin("mode", "n*:Any")
def mode_of(run: Run, items: list[Value]) -> Value:
    return mode(run, items)


def _all(items: list[Value], *, decisive: bool) -> Value:
    if any(item is decisive for item in items):
        return decisive
    return (not decisive) if all(isinstance(item, bool) for item in items) else None


@builtin("all", "list:list")
def every(_run: Run, items: list[Value]) -> Value:
    return _all(items, decisive=False)


@builtin("all", "b*:Any")
def every_of(_run: Run, items: list[Value]) -> Value:
    return _all(_spread(items), decisive=False)


@builtin("any", "list:list")
def some(_run: Run, items: list[Value]) -> Value:
    return _all(items, decisive=True)


@builtin("any", "b*:Any")
def some_of(_run: Run, items: list[Value]) -> Value:
    return _all(_spread(items), decisive=True)


def _position(items: list[Value], position: Decimal) -> int:
    at = whole(position)
    if at == 0 or abs(at) > len(items):
        raise ValueError(f"there is no position {at} in a list of {len(items)}")
    return at - 1 if at > 0 else len(items) + at


@builtin("sublist", "list:list, start position:number, length?:number")
def sublist(_run: Run, items: list[Value], start: Decimal, length: Decimal | None = None) -> Value:
    at = _position(items, start)
    if length is None:
        return items[at:]
    if whole(length) < 1 or at + whole(length) > len(items):
        raise ValueError("no such part of the list")
    return items[at : at + whole(length)]


@builtin("append", "list:list, item*:Any")
def append(_run: Run, items: list[Value], more: list[Value]) -> Value:
    return _bounded([*as_list(items), *more])


@builtin("concatenate", "list*:Any")
def concatenate(_run: Run, lists: list[Value]) -> Value:
    return _bounded([item for part in lists for item in as_list(part)])


@builtin("insert before", "list:list, position:number, newItem:Any")
def insert_before(_run: Run, items: list[Value], position: Decimal, item: Value) -> Value:
    at = _position(items, position)
    return _bounded([*items[:at], item, *items[at:]])


@builtin("remove", "list:list, position:number")
def remove(_run: Run, items: list[Value], position: Decimal) -> Value:
    at = _position(items, position)
    return [*items[:at], *items[at + 1 :]]


@builtin("list replace", "list:list, position:number, newItem:Any")
def list_replace(_run: Run, items: list[Value], position: Decimal, item: Value) -> Value:
    at = _position(items, Decimal(int(position)))
    return [*items[:at], item, *items[at + 1 :]]


@builtin("list replace", "list:list, match:function, newItem:Any")
def list_replace_matching(run: Run, items: list[Value], match: Function, item: Value) -> Value:
    answers = [run.call(match, [old, item]) for old in items]
    if not all(isinstance(answer, bool) for answer in answers):
        raise ValueError("match gives no boolean")
    return [item if answer else old for old, answer in zip(items, answers, strict=True)]


@builtin("reverse", "list:list")
def reverse(_run: Run, items: list[Value]) -> Value:
    return items[::-1]


@builtin("index of", "list:list, match:Any")
def index_of(run: Run, items: list[Value], match: Value) -> Value:
    return [Decimal(number) for number, item in enumerate(items, 1) if run.same(item, match) is True]


def _distinct(run: Run, items: list[Value]) -> list[Value]:
    out: list[Value] = []
    for item in items:
        run.step(len(out) // 16)
        if not any(run.same(item, other) is True for other in out):
            out.append(item)
    return out


@builtin("union", "list*:Any")
def union(run: Run, lists: list[Value]) -> Value:
    return _distinct(run, _bounded([item for part in lists for item in as_list(part)]))


@builtin("distinct values", "list:list")
def distinct_values(run: Run, items: list[Value]) -> Value:
    return _distinct(run, items)


@builtin("flatten", "list:list")
def flatten(run: Run, items: list[Value]) -> Value:
    out: list[Value] = []
    for item in items:
        run.step()
        out += flatten(run, item) if isinstance(item, list) else [item]
    return _bounded(out)


@builtin("sort", "list:list, precedes?:function|null")
def sort(run: Run, items: list[Value], precedes: Function | None = None) -> Value:
    def order(left: Value, right: Value) -> int:
        run.step()
        if precedes is None:
            before, after = less(left, right), less(right, left)
        else:
            before, after = run.call(precedes, [left, right]), None
            after = False if before is True else run.call(precedes, [right, left])
        if not isinstance(before, bool) or not isinstance(after, bool):
            raise FeelError("sort: two items have no order")
        return -1 if before else 1 if after else 0

    return sorted(items, key=functools.cmp_to_key(order))
