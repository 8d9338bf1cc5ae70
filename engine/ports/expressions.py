"""Expressions and scripts: who evaluates them, and what that gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from engine.model.values import Json
from engine.ports.clock import Allowance

HostFunction = Callable[..., Json]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Result of an expression with the variables that it read."""

    value: Json
    reads: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Executed:
    """Effect of a script: variables assigned (also by mutation of lists and dicts) and removed (`del`), with what it read."""

    assigned: Mapping[str, Json]
    removed: tuple[str, ...]
    reads: Mapping[str, Json]


class Feel(Protocol):
    """Expressions in FEEL, without the mark. What goes wrong inside one is null, as DMN says; syntax and budget are an ExpressionError."""

    def evaluate(self, source: str, variables: Mapping[str, Any], now: datetime, functions: Mapping[str, HostFunction] = ...) -> Evaluated: ...

    def check(self, source: str) -> str | None:
        """A message when the text is not FEEL, else None."""


class Evaluator(Protocol):
    """Python syntax in a sandbox; FEEL for a text that begins with `=` (`engine.model.languages`). Deterministic: the same arguments give the same result; time is `now`; no other inputs.

    Only variables that the source names are passed in. `functions` are host functions in a namespace of their own that data cannot
    shadow; an exception of class BpmnError that one raises comes out unchanged. Everything else that goes wrong (syntax, unknown
    name, time, memory, recursion) is an ExpressionError; ExpressionStopped when that depends on the machine. Safe for several threads.
    `allowance`: how long it may run, where that is not the ordinary limit.
    """

    def evaluate(
        self, source: str, variables: Mapping[str, Any], functions: Mapping[str, HostFunction], now: datetime, allowance: Allowance | None = None
    ) -> Evaluated: ...

    def execute(
        self, source: str, variables: Mapping[str, Any], functions: Mapping[str, HostFunction], now: datetime, allowance: Allowance | None = None
    ) -> Executed: ...

    def check(self, source: str, mode: str) -> str | None:
        """Static check at deployment; `mode` is `expression` or `script`. A message when refused, else None."""

    def available(self) -> bool:
        """Can it run at all? Cheap: asked by health checks."""

    def close(self) -> None: ...
