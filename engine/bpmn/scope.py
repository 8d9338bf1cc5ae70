"""Variable scopes: process instance, subprocess, multi-instance iteration, activity with inputs; a called process starts a chain of its own.

Reading climbs to the parents. Writing goes to the scope that has the name, else to the root of the chain. Every change is told to the journal
as an event; values in a scope are never changed in place.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any

from engine.model.events import Event, VariableExtended, VariableRemoved, VariableSet
from engine.model.values import purify

Journal = Callable[[Event], None]


class Scope(Mapping[str, Any]):
    """`key` names the scope in events: the key of the element instance that owns it, 0 for the process instance."""

    __slots__ = ("journal", "key", "parent", "vars")

    def __init__(self, key: int, parent: Scope | None, journal: Journal, values: dict[str, Any] | None = None) -> None:
        self.key = key
        self.parent = parent
        self.journal = journal
        self.vars: dict[str, Any] = values if values is not None else {}

    def home(self, name: str) -> Scope | None:
        """The nearest scope that has the variable."""
        scope: Scope | None = self
        while scope is not None and name not in scope.vars:
            scope = scope.parent
        return scope

    def over(self, values: Mapping[str, Any]) -> Scope:
        """To read from: these values above what is here."""
        return Scope(self.key, self, self.journal, dict(values))

    def root(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def __getitem__(self, name: str) -> Any:
        scope = self.home(name)
        if scope is None:
            raise KeyError(name)
        return scope.vars[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.home(name) is not None

    def flat(self) -> dict[str, Any]:
        """All visible variables, inner ones over outer ones."""
        chain: list[Scope] = []
        scope: Scope | None = self
        while scope is not None:
            chain.append(scope)
            scope = scope.parent
        out: dict[str, Any] = {}
        for one in reversed(chain):
            out.update(one.vars)
        return out

    def __iter__(self) -> Iterator[str]:
        return iter(self.flat())

    def __len__(self) -> int:
        return len(self.flat())

    def assign(self, name: str, value: Any) -> None:
        """Write where the name lives, else to the root. Raises InvalidInput for what JSON cannot hold."""
        (self.home(name) or self.root()).declare(name, value)

    def assign_all(self, values: Mapping[str, Any]) -> None:
        """In the order of the names: a mapping that was stored as canonical JSON has lost its own order."""
        for name in sorted(values):
            self.assign(name, values[name])

    def declare_all(self, values: Mapping[str, Any]) -> None:
        for name in sorted(values):
            self.declare(name, values[name])

    def declare(self, name: str, value: Any, *, told: bool = True) -> None:
        """Write into this very scope. `told=False` is for counters that follow from other events."""
        value = clean(value)
        if not told:
            self.vars[name] = value
        elif name not in self.vars:
            self.vars[name] = value
            self.journal(VariableSet(self.key, name, value))
        else:
            old = self.vars[name]
            if not same(old, value):
                self.vars[name] = value
                self.journal(self._change(name, old, value))

    def _change(self, name: str, old: Any, value: Any) -> Event:
        grown = isinstance(old, list) and isinstance(value, list) and len(value) > len(old) and same(value[: len(old)], old)
        return VariableExtended(self.key, name, tuple(value[len(old) :])) if grown else VariableSet(self.key, name, value)

    def remove(self, name: str) -> None:
        scope = self.home(name)
        if scope is not None:
            del scope.vars[name]
            self.journal(VariableRemoved(scope.key, name))


def clean(value: Any) -> Any:
    """A JSON value of its own: scalars pass, everything else is copied and checked."""
    if value is None or value is True or value is False:
        return value
    if type(value) is int or (type(value) is float and isfinite(value)):
        return value
    if type(value) is str and (value.isascii() or unicodedata.is_normalized("NFC", value)):
        return value
    return purify(value)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1, 1.0 and True are three values."""
    if one is other:
        return True
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(v, other[k]) for k, v in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
