"""Syntax tree of FEEL. Pure data; `parser` builds it, `interpreter` walks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Node: TypeAlias = Any
"""One of the classes below."""


@dataclass(frozen=True, slots=True)
class Literal:
    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ContextOf:
    entries: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class RangeOf:
    """`operator` is set for a unary comparison such as `< 5`, whose bound is `high`."""

    low: Node
    high: Node
    low_closed: bool
    high_closed: bool
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class Negate:
    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """`and`, `or` over two or more operands."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Between:
    value: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class In:
    """`asks`: which of the tests are questions with `?`."""

    value: Node
    tests: tuple[Node, ...]
    asks: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type written in the text: `name` of a simple or declared type, or list, range, context, function with `parts`."""

    name: str
    parts: tuple[TypeName, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceOf:
    value: Node
    of: TypeName


@dataclass(frozen=True, slots=True)
class Path:
    value: Node
    member: str


@dataclass(frozen=True, slots=True)
class Filter:
    value: Node
    condition: Node


@dataclass(frozen=True, slots=True)
class Call:
    """`named` is None for positional arguments, else the names of the arguments."""

    function: Node
    arguments: tuple[Node, ...]
    named: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class If:
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Iteration:
    """One `x in ...` of for, some, every; `end` is set for `a..b`."""

    name: str
    source: Node
    end: Node | None


@dataclass(frozen=True, slots=True)
class For:
    iterations: tuple[Iteration, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Quantified:
    """`some` or `every`."""

    word: str
    iterations: tuple[Iteration, ...]
    condition: Node


@dataclass(frozen=True, slots=True)
class Lambda:
    parameters: tuple[str, ...]
    types: tuple[TypeName | None, ...]
    body: Node
    external: bool = False


@dataclass(frozen=True, slots=True)
class UnaryTests:
    """The entry of a decision table's input. `tests` is None for `-`. `asks`: for each test, whether it names the input value `?`."""

    tests: tuple[Node, ...] | None
    asks: tuple[bool, ...]
    negated: bool
