"""A fast path: small expressions and scripts computed in this process, without the sandbox. Agrees with it, or declines and lets it decide.

Only what is bounded by the size of the source and of the data: names, constants, comparisons, and/or/not, `in`, if-else, + - * of numbers, rest of
integers, joining of short texts, items of lists and objects, `len(x)`, `x.get("k")`; of scripts, assignments of numbers, short texts and constants
to names. Whatever is not of exactly the types meant here, unknown, too large
or an error is declined (`Undecided`), so that every message and every doubtful result comes from the sandbox. A property test compares both.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from engine.expressions.source import Source

Compute: TypeAlias = Callable[[Mapping[str, Any]], Any]

MAX_TEXT = 10_000  # characters of a joined text
MAX_INTEGER = 1 << 200
MAX_PARTS = 2_000  # nodes of a syntax tree


Steps: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]


class Undecided(Exception):
    """The sandbox must decide."""


def direct_of(source: Source, declined: frozenset[str]) -> Compute | None:
    """The computation of an expression over its variables, or None when it is not of the simple kind. `declined`: names of functions."""
    if source.tree is None or sum(1 for _ in ast.walk(source.tree)) > MAX_PARTS:
        return None
    try:
        return _Compiler(declined).compile(source.tree)
    except Undecided:
        return None


def steps_of(source: Source, declined: frozenset[str]) -> Steps | None:
    """What a script assigns, computed from its variables, or None when it is not of the simple kind. `declined`: names of functions."""
    if source.assignments is None or sum(1 for _, value in source.assignments for _ in ast.walk(value)) > MAX_PARTS:
        return None
    compiler = _Compiler(declined)
    try:
        steps = [(name, compiler.compile(value), _fixed(value)) for name, value in source.assignments]
    except Undecided:
        return None

    def run(data: Mapping[str, Any]) -> dict[str, Any]:
        known, assigned = dict(data), dict[str, Any]()
        for name, compute, fixed in steps:
            value = compute(known)
            # Objects and lists out of variables are declined: put into each other again and again they grow beyond any bound.
            if not fixed and (type(value) not in _PLAIN or (type(value) is str and len(value) > MAX_TEXT)):
                raise Undecided
            known[name] = assigned[name] = value
        return assigned

    return run


def _fixed(value: ast.expr) -> bool:
    """A list of constants."""
    return isinstance(value, ast.List | ast.Tuple) and all(isinstance(item, ast.Constant) for item in value.elts)


_NUMBERS = (int, float)
_PLAIN = (int, float, str, bool, type(None))


def _number(value: Any) -> Any:
    """The number, if it is one of bounded size: no boolean, no infinity."""
    if type(value) is int:
        if -MAX_INTEGER < value < MAX_INTEGER:
            return value
    elif type(value) is float and value - value == 0.0:
        return value
    raise Undecided


def _order(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def ordered(left: Any, right: Any) -> bool:
        kinds = type(left), type(right)
        if (kinds[0] in _NUMBERS and kinds[1] in _NUMBERS) or kinds == (str, str):
            return compare(left, right)
        raise Undecided

    return ordered


def _contains(item: Any, container: Any) -> bool:
    kind = type(container)
    if kind is list or kind is tuple or (kind in (dict, str) and type(item) is str):
        return item in container
    raise Undecided


def _none_only(right: Any) -> None:
    if right is not None:
        raise Undecided


def _is(left: Any, right: Any) -> bool:
    _none_only(right)
    return left is None


def _is_not(left: Any, right: Any) -> bool:
    _none_only(right)
    return left is not None


_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: _order(operator.lt),
    ast.LtE: _order(operator.le),
    ast.Gt: _order(operator.gt),
    ast.GtE: _order(operator.ge),
    ast.In: _contains,
    ast.NotIn: lambda item, container: not _contains(item, container),
    ast.Is: _is,
    ast.IsNot: _is_not,
}


def _add(left: Any, right: Any) -> Any:
    if type(left) is str and type(right) is str:
        if len(left) + len(right) > MAX_TEXT:
            raise Undecided
        return left + right
    return _number(_number(left) + _number(right))


def _rest(left: Any, right: Any) -> int:
    if type(left) is int and type(right) is int and right != 0:
        return int(_number(left) % _number(right))
    raise Undecided


_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: _add,
    ast.Sub: lambda left, right: _number(_number(left) - _number(right)),
    ast.Mult: lambda left, right: _number(_number(left) * _number(right)),
    ast.Mod: _rest,
}


def _item(value: Any, key: Any) -> Any:
    if type(value) is dict and type(key) is str and key in value:
        return value[key]
    if type(value) is list and type(key) is int and -len(value) <= key < len(value):
        return value[key]
    raise Undecided


def _length(value: Any) -> int:
    if type(value) in (list, dict, str):
        return len(value)
    raise Undecided


class _Compiler:
    def __init__(self, declined: frozenset[str]) -> None:
        self._declined = declined

    def compile(self, node: ast.expr) -> Compute:
        visit = _VISIT.get(type(node))
        if visit is None:
            raise Undecided
        return visit(self, node)

    def constant(self, node: ast.Constant) -> Compute:
        value: Any = node.value
        if type(value) not in _PLAIN:
            raise Undecided
        return lambda _data: value

    def name(self, node: ast.Name) -> Compute:
        name = node.id
        if name in self._declined:
            raise Undecided

        def read(data: Mapping[str, Any]) -> Any:
            if name not in data:
                raise Undecided
            return data[name]

        return read

    def logic(self, node: ast.BoolOp) -> Compute:
        parts = [self.compile(value) for value in node.values]
        stops = isinstance(node.op, ast.Or)

        def decide(data: Mapping[str, Any]) -> Any:
            value: Any = None
            for part in parts:
                value = part(data)
                if bool(value) is stops:
                    break
            return value

        return decide

    def unary(self, node: ast.UnaryOp) -> Compute:
        operand = self.compile(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda data: not operand(data)
        if isinstance(node.op, ast.USub):
            return lambda data: -_number(operand(data))
        raise Undecided

    def compare(self, node: ast.Compare) -> Compute:
        first = self.compile(node.left)
        rest = [(_COMPARE[type(op)], self.compile(right)) for op, right in zip(node.ops, node.comparators, strict=True)]

        def chain(data: Mapping[str, Any]) -> bool:
            left = first(data)
            for test, part in rest:
                right = part(data)
                if not test(left, right):
                    return False
                left = right
            return True

        return chain

    def arithmetic(self, node: ast.BinOp) -> Compute:
        compute = _ARITHMETIC.get(type(node.op))
        if compute is None:
            raise Undecided
        left, right = self.compile(node.left), self.compile(node.right)
        return lambda data: compute(left(data), right(data))

    def choice(self, node: ast.IfExp) -> Compute:
        test, then, otherwise = self.compile(node.test), self.compile(node.body), self.compile(node.orelse)
        return lambda data: then(data) if test(data) else otherwise(data)

    def subscript(self, node: ast.Subscript) -> Compute:
        value, key = self.compile(node.value), self.compile(node.slice)
        return lambda data: _item(value(data), key(data))

    def listed(self, node: ast.List) -> Compute:
        parts = [self.compile(part) for part in node.elts]
        return lambda data: [part(data) for part in parts]

    def tupled(self, node: ast.Tuple) -> Compute:
        parts = [self.compile(part) for part in node.elts]
        return lambda data: tuple(part(data) for part in parts)

    def call(self, node: ast.Call) -> Compute:
        if node.keywords:
            raise Undecided
        arguments = [self.compile(argument) for argument in node.args]
        if isinstance(node.func, ast.Name) and node.func.id == "len" and len(arguments) == 1 and "len" not in self._declined:
            return _len(arguments[0])
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and len(arguments) in (1, 2):
            return _get(self.compile(node.func.value), arguments)
        raise Undecided


def _len(argument: Compute) -> Compute:
    def length(data: Mapping[str, Any]) -> int:
        if "len" in data:  # a variable of that name that the expression reads, too
            raise Undecided
        return _length(argument(data))

    return length


def _get(value: Compute, arguments: list[Compute]) -> Compute:
    def get(data: Mapping[str, Any]) -> Any:
        found = value(data)
        key, *default = [argument(data) for argument in arguments]
        if type(found) is not dict or type(key) is not str:
            raise Undecided
        return found.get(key, *default)

    return get


_VISIT: dict[type[ast.expr], Callable[[_Compiler, Any], Compute]] = {
    ast.Constant: _Compiler.constant,
    ast.Name: _Compiler.name,
    ast.BoolOp: _Compiler.logic,
    ast.UnaryOp: _Compiler.unary,
    ast.Compare: _Compiler.compare,
    ast.BinOp: _Compiler.arithmetic,
    ast.IfExp: _Compiler.choice,
    ast.Subscript: _Compiler.subscript,
    ast.List: _Compiler.listed,
    ast.Tuple: _Compiler.tupled,
    ast.Call: _Compiler.call,
}
