"""Names of one place in a FEEL text: local values over what lies outside. Parses and evaluates nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engine.dmn.feel.values import Value


class Source(Protocol):
    """Where names outside the text come from."""

    def lookup(self, name: str) -> tuple[bool, Value]:
        """Whether the name is known, and its value."""


class Scope:
    """Local names over an outer scope or a source."""

    __slots__ = ("outer", "values")

    def __init__(self, values: Mapping[str, Value], outer: Scope | Source | None = None) -> None:
        self.values = values
        self.outer = outer

    def lookup(self, name: str) -> tuple[bool, Value]:
        """The innermost value of a name."""
        if name in self.values:
            return True, self.values[name]
        return self.outer.lookup(name) if self.outer is not None else (False, None)


class Results:
    """`partial` of an iteration over an outer scope: the results so far, as they are when they are asked for (DMN 1.5, clause 10.3.2.14)."""

    __slots__ = ("outer", "results", "step")

    def __init__(self, results: Sequence[Value], outer: Scope | Source, step: Callable[[int], None]) -> None:
        self.results = results
        self.outer = outer
        self.step = step

    def lookup(self, name: str) -> tuple[bool, Value]:
        """A list of its own: results that hold it must not change afterwards."""
        if name != "partial":
            return self.outer.lookup(name)
        self.step(len(self.results) // 512)
        return True, list(self.results)
