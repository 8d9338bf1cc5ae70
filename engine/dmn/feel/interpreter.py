"""Walks FEEL syntax trees (DMN 1.5, clause 10.3.2). Bounded: every node costs a step, lists and texts have sizes, calls a depth.

Errors inside an expression become null and a warning; only the budget and what a caller's name source raises leave the interpreter.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.dmn.feel import syntax as s
from engine.dmn.feel.budget import Budget
from engine.dmn.feel.calendar import Date
from engine.dmn.feel.functions import BUILTINS, invoke
from engine.dmn.feel.lexer import FeelSyntaxError
from engine.dmn.feel.names import Vocabulary
from engine.dmn.feel.operators import arithmetic, member, negate
from engine.dmn.feel.parser import parse_expression
from engine.dmn.feel.scope import Results, Scope, Source
from engine.dmn.feel.types import ANY, Type, instance_of, resolve
from engine.dmn.feel.values import MAX_LIST, FeelError, FeelLimit, Function, Range, Value, as_list, compare, kind, less, matches

MAX_CALLS = 60
_BUILTIN_NAMES = Vocabulary(name for name in BUILTINS if " " in name)


class Interpreter(Budget):
    """One evaluation: its budget, clock reading and warnings. `types`: declared types by name."""

    def __init__(self, now: datetime, steps: int = 1_000_000, types: Mapping[str, Type] | None = None) -> None:
        super().__init__(steps)
        self.now = now
        self.types = types or {}
        self._calls = 0
        self._visit: dict[type, Callable[[Any, Any], Value]] = {
            s.Literal: lambda node, _scope: node.value,
            s.Name: self._name,
            s.ListOf: self._list,
            s.ContextOf: self._context,
            s.RangeOf: self._range,
            s.Negate: lambda node, scope: negate(self.evaluate(node.operand, scope)),
            s.Arithmetic: self._arithmetic,
            s.Compare: self._compare,
            s.Logic: self._logic,
            s.Between: self._between,
            s.In: self._in,
            s.InstanceOf: self._instance_of,
            s.Path: self._path,
            s.Filter: self._filter,
            s.Call: self._call,
            s.If: self._if,
            s.For: self._for,
            s.Quantified: self._quantified,
            s.Lambda: self._lambda,
        }

    def evaluate(self, node: s.Node, scope: Scope | Source) -> Value:
        """Value of a tree. Raises FeelLimit."""
        self.step()
        try:
            return self._visit[type(node)](node, scope)
        except FeelError as exc:
            self.warn(str(exc))
            return None
        except RecursionError:
            raise FeelLimit("it calls itself too deeply") from None

    def test(self, tests: s.UnaryTests, value: Value, scope: Scope | Source) -> bool:
        """Whether an input value satisfies the unary tests of a cell."""
        if tests.tests is None:
            return True
        inner = Scope({"?": value}, scope)
        found = any(self._one_test(node, asks, value, inner) for node, asks in zip(tests.tests, tests.asks, strict=True))
        return found != tests.negated

    def _one_test(self, node: s.Node, asks: bool, value: Value, scope: Scope) -> bool:
        wanted = self.evaluate(node, scope)
        if asks and (wanted is None or isinstance(wanted, bool)):
            return wanted is True  # a question without an answer, such as `? > 3` of null, is no null to compare with
        if isinstance(wanted, bool) and not isinstance(value, bool) and isinstance(node, s.Compare | s.Logic | s.Between | s.In | s.Call):
            return wanted  # a condition of its own, such as `other > 3`
        return matches(self.charge(value), self.charge(wanted)) is True

    def constant_range(self, text: str) -> Value:
        """The range that a text with literal bounds means. Raises FeelError."""
        try:
            self.step(100 + len(text))  # parsing is dearer than evaluating
            node = parse_expression(text, _BUILTIN_NAMES)
        except FeelSyntaxError as exc:
            raise FeelError(str(exc)) from None
        if not (isinstance(node, s.RangeOf) and _constant(node.low) and _constant(node.high)):
            raise FeelError("the bounds are no constants")
        return self.evaluate(node, Scope({}))

    # --- names and literals ---------------------------------------------------------------------------------------
    def _name(self, node: s.Name, scope: Scope | Source) -> Value:
        known, value = scope.lookup(node.name)
        if known:
            return value
        if node.name in BUILTINS:
            return self.builtin(node.name)
        if "." in node.name:  # a parameter of some model is called `a.b`; here it is a path
            first, *rest = node.name.split(".")
            return functools.reduce(member, (part.strip() for part in rest), self.evaluate(s.Name(first.strip()), scope))
        raise FeelError(f"unknown name {node.name}")

    def builtin(self, name: str) -> Function:
        """A built-in as a value."""
        return Function(name, BUILTINS[name][0].names, lambda arguments: invoke(self, name, arguments, None))

    def _list(self, node: s.ListOf, scope: Scope | Source) -> Value:
        return self.charge([self.evaluate(item, scope) for item in node.items])

    def _context(self, node: s.ContextOf, scope: Scope | Source) -> Value:
        values: dict[str, Value] = {}
        inner = Scope(values, scope)
        for key, entry in node.entries:
            values[key] = self.evaluate(entry, inner)
        return self.charge(values)

    def _range(self, node: s.RangeOf, scope: Scope | Source) -> Value:
        high = self.evaluate(node.high, scope)
        if node.operator is not None:
            return unary_range(node.operator, high)
        low = self.evaluate(node.low, scope)
        if low is not None and high is not None and less(low, high) is None:
            raise FeelError(f"no range from {kind(low)} to {kind(high)}")
        return Range(low, high, node.low_closed, node.high_closed)

    # --- operators ------------------------------------------------------------------------------------------------
    def _arithmetic(self, node: s.Arithmetic, scope: Scope | Source) -> Value:
        if node.operator == "**":
            self.step(20)
        return self.charge(arithmetic(node.operator, self.evaluate(node.left, scope), self.evaluate(node.right, scope)))

    def _compare(self, node: s.Compare, scope: Scope | Source) -> Value:
        left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
        return compare(node.operator, self.charge(left), right)

    def _logic(self, node: s.Logic, scope: Scope | Source) -> Value:
        decisive = node.operator == "or"
        left = self.evaluate(node.left, scope)
        if left is decisive:
            return decisive
        right = self.evaluate(node.right, scope)
        if right is decisive:
            return decisive
        return (not decisive) if isinstance(left, bool) and isinstance(right, bool) else None

    def _between(self, node: s.Between, scope: Scope | Source) -> Value:
        value, low, high = (self.evaluate(part, scope) for part in (node.value, node.low, node.high))
        above, below = compare(">=", value, low), compare("<=", value, high)
        return None if above is None or below is None else above and below

    def _in(self, node: s.In, scope: Scope | Source) -> Value:
        value = self.evaluate(node.value, scope)
        inner = Scope({"?": value}, scope)
        answers = [self._answer(self.evaluate(test, inner), asks, value) for test, asks in zip(node.tests, node.asks, strict=True)]
        if any(answer is True for answer in answers):
            return True
        return None if any(answer is None for answer in answers) else False

    def _answer(self, wanted: Value, asks: bool, value: Value) -> bool | None:
        if asks and (wanted is None or isinstance(wanted, bool)):
            return wanted
        return matches(self.charge(value), self.charge(wanted))

    def _instance_of(self, node: s.InstanceOf, scope: Scope | Source) -> Value:
        of = resolve(node.of, self.types)
        if of is None:
            raise FeelError(f"unknown type {node.of.name}")
        return instance_of(self.evaluate(node.value, scope), of)

    # --- paths, filters, calls --------------------------------------------------------------------------------------
    def _path(self, node: s.Path, scope: Scope | Source) -> Value:
        value = self.evaluate(node.value, scope)
        return self.charge(member(value, node.member)) if isinstance(value, list) else member(value, node.member)

    def _filter(self, node: s.Filter, scope: Scope | Source) -> Value:
        value = self.evaluate(node.value, scope)
        return self.filtered(value, lambda inner: self.evaluate(node.condition, inner), scope)

    def filtered(self, value: Value, condition: Callable[[Scope], Value], scope: Scope | Source) -> Value:
        """`value[condition]`: an item by index, or the items for which the condition is true (clause 10.3.2.5)."""
        items = [] if value is None else as_list(value)
        first = condition(_item_scope(items[0] if items else None, scope))
        if isinstance(first, Decimal):
            return _item(items, first)
        answers = [first, *(condition(_item_scope(item, scope)) for item in items[1:])] if items else []
        other = next((answer for answer in answers if answer is not None and not isinstance(answer, bool)), None)
        if other is not None:
            raise FeelError(f"a filter of type {kind(other)}")
        return [item for item, answer in zip(items, answers, strict=True) if answer is True]

    def _call(self, node: s.Call, scope: Scope | Source) -> Value:
        arguments = [self.evaluate(argument, scope) for argument in node.arguments]
        if isinstance(node.function, s.Name):
            known, value = scope.lookup(node.function.name)
            if not (known and isinstance(value, Function)):
                if node.function.name not in BUILTINS:
                    raise FeelError(f"unknown function {node.function.name}")
                return invoke(self, node.function.name, arguments, node.named)
        else:
            value = self.evaluate(node.function, scope)
        return self.call(value, arguments, node.named)

    def call(self, function: Value, arguments: Sequence[Value], named: Sequence[str] | None = None) -> Value:
        """Calls a function value."""
        if not isinstance(function, Function):
            raise FeelError(f"{kind(function)} is not a function")
        if function.host is not None:
            return self.charge(function.host(() if named else arguments, dict(zip(named or (), arguments, strict=False))))
        if function.name in BUILTINS and named is not None:
            return invoke(self, function.name, arguments, named)
        if named is not None:
            if sorted(named) != sorted(function.parameters):
                raise FeelError(f"{function.name} takes the parameters {', '.join(function.parameters)}")
            given = dict(zip(named, arguments, strict=True))
            arguments = [given[name] for name in function.parameters]
        elif function.name not in BUILTINS and len(arguments) != len(function.parameters):
            raise FeelError(f"{function.name} takes {len(function.parameters)} arguments")
        self._calls += 1
        if self._calls > MAX_CALLS:
            raise FeelLimit("it calls itself too deeply")
        try:
            return function.call(arguments)
        finally:
            self._calls -= 1

    def _lambda(self, node: s.Lambda, scope: Scope | Source) -> Value:
        if node.external:
            raise FeelError("external functions are not available")
        types = [ANY if written is None else resolve(written, self.types) for written in node.types]
        if any(of is None for of in types):
            raise FeelError("a parameter of an unknown type")
        return self.closure("function", node.parameters, [of or ANY for of in types], lambda inner: self.evaluate(node.body, inner), scope)

    def closure(self, name: str, parameters: Sequence[str], types: Sequence[Type], body: Callable[[Scope], Value], scope: Scope | Source) -> Function:
        """A function value over a scope. An argument that does not conform to its type makes the call null."""

        def call(arguments: Sequence[Value]) -> Value:
            values: dict[str, Value] = {}
            for parameter, of, argument in zip(parameters, types, arguments, strict=True):
                values[parameter] = self.coerce(argument, of)
                if argument is not None and values[parameter] is None:
                    raise FeelError(f"{name}: {parameter} is no {of.name}")
            return body(Scope(values, scope))

        return Function(name, tuple(parameters), call)

    # --- structures -------------------------------------------------------------------------------------------------
    def _if(self, node: s.If, scope: Scope | Source) -> Value:
        return self.evaluate(node.then if self.evaluate(node.condition, scope) is True else node.otherwise, scope)

    def _for(self, node: s.For, scope: Scope | Source) -> Value:
        out: list[Value] = []
        for inner in self._rounds(node.iterations, Results(out, scope, self.step)):
            out.append(self.evaluate(node.body, inner))
            if len(out) > MAX_LIST:
                raise FeelLimit(f"a list of more than {MAX_LIST} items")
        return self.charge(out)

    def _quantified(self, node: s.Quantified, scope: Scope | Source) -> Value:
        decisive = node.word == "some"
        unknown = False
        for inner in self._rounds(node.iterations, scope):
            answer = self.evaluate(node.condition, inner)
            if answer is decisive:
                return decisive
            unknown = unknown or not isinstance(answer, bool)
        return None if unknown else not decisive

    def _rounds(self, iterations: Sequence[s.Iteration], scope: Scope | Source) -> Iterator[Scope]:
        first, rest = iterations[0], iterations[1:]
        source = self.evaluate(first.source, scope)
        items = self.items(source) if first.end is None else self.counted(source, self.evaluate(first.end, scope))
        for item in items:
            self.step()
            inner = Scope({first.name: item}, scope)
            if rest:
                yield from self._rounds(rest, inner)
            else:
                yield inner

    def items(self, source: Value) -> Iterator[Value]:
        """What `for x in source` visits: the items of a list, the whole numbers or days of a closed range, or one value."""
        if isinstance(source, Range):
            if compare("<=", source.low, source.high) is not True:
                raise FeelError("a range that ends before it starts, or has no end")
            return self.counted(_next(source.low, source.low_closed, 1), _next(source.high, source.high_closed, -1))
        if source is None:
            raise FeelError("null cannot be iterated over")
        return iter(as_list(source))

    def counted(self, start: Value, end: Value) -> Iterator[Value]:
        """`start..end`, up or down, of whole numbers or days."""
        if isinstance(start, Decimal) and isinstance(end, Decimal) and start == int(start) and end == int(end):
            low, high = int(start), int(end)
            return (Decimal(n) for n in (range(low, high + 1) if low <= high else range(low, high - 1, -1)))
        if isinstance(start, Date) and isinstance(end, Date):
            low, high = start.days, end.days
            return (Date.of_days(n) for n in (range(low, high + 1) if low <= high else range(low, high - 1, -1)))
        raise FeelError(f"no iteration from {kind(start)} to {kind(end)}")


def unary_range(operator: str, bound: Value) -> Range:
    """The value of `< 5` and its kind."""
    if operator in ("=", "!="):
        return Range(bound, bound, low_closed=True, high_closed=True, unary=operator)
    if operator in ("<", "<="):
        return Range(None, bound, low_closed=False, high_closed=operator == "<=", unary=operator)
    return Range(bound, None, low_closed=operator == ">=", high_closed=False, unary=operator)


def _constant(node: s.Node) -> bool:
    """A literal, or a conversion of a literal text such as `date("2026-01-02")`."""
    if isinstance(node, s.Call):
        return isinstance(node.function, s.Name) and all(isinstance(argument, s.Literal) for argument in node.arguments)
    return node is None or isinstance(node, s.Literal) or (isinstance(node, s.Negate) and isinstance(node.operand, s.Literal))


def _next(bound: Value, closed: bool, step: int) -> Value:
    if closed or bound is None:
        return bound
    return bound + step if isinstance(bound, Decimal) else Date.of_days(bound.days + step) if isinstance(bound, Date) else bound


def _item_scope(item: Value, scope: Scope | Source) -> Scope:
    return Scope({"item": item, **item} if isinstance(item, dict) else {"item": item}, scope)


def _item(items: list[Value], index: Decimal) -> Value:
    if index != int(index) or index == 0 or abs(index) > len(items):
        raise FeelError(f"there is no item {index} in a list of {len(items)}")
    return items[int(index) - 1 if index > 0 else int(index)]
