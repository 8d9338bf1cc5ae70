"""The port `Evaluator` for every language of diagrams: FEEL for texts that are marked so (`engine.model.languages`), Python for all others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.errors import ExpressionError
from engine.model.languages import is_feel, unmarked
from engine.ports import Allowance, Evaluated, Evaluator, Executed, Feel, HostFunction


class Languages:
    """Implements `engine.ports.Evaluator`. FEEL is bounded in steps, and needs no allowance of time."""

    def __init__(self, python: Evaluator, feel: Feel) -> None:
        self._python = python
        self._feel = feel

    def evaluate(
        self, source: str, variables: Mapping[str, Any], functions: Mapping[str, HostFunction], now: datetime, allowance: Allowance | None = None
    ) -> Evaluated:
        """The value, with what was read. Raises ExpressionError, BpmnError of a function."""
        if is_feel(source):
            return self._feel.evaluate(unmarked(source), variables, now, functions)
        return self._python.evaluate(source, variables, functions, now, allowance)

    def execute(
        self, source: str, variables: Mapping[str, Any], functions: Mapping[str, HostFunction], now: datetime, allowance: Allowance | None = None
    ) -> Executed:
        """Effect of a script. One in FEEL gives a context, whose entries are assigned; null assigns nothing. Raises as `evaluate`."""
        if not is_feel(source):
            return self._python.execute(source, variables, functions, now, allowance)
        found = self._feel.evaluate(unmarked(source), variables, now, functions)
        if found.value is not None and not isinstance(found.value, dict):
            raise ExpressionError(source=source[:200], cause="a script in FEEL gives a context {name: value, ...}, or needs a result variable")
        return Executed(found.value or {}, (), found.reads)

    def check(self, source: str, mode: str) -> str | None:
        """A message when the text cannot run, else None."""
        return self._feel.check(unmarked(source)) if is_feel(source) else self._python.check(source, mode)

    def available(self) -> bool:
        """FEEL always is."""
        return self._python.available()

    def close(self) -> None:
        """Ends what the languages hold."""
        self._python.close()
