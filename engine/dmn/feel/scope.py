"""Names of one place in a FEEL text: local values over what lies outside. Parses and evaluates nothing."""

from __future__ import annotations

from collections.abc import Mapping
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
