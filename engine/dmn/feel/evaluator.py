"""One FEEL text over JSON variables: for conditions whose expression language is FEEL. Decision tables use the interpreter themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from engine.dmn.feel.exchange import from_json, to_json
from engine.dmn.feel.functions import BUILTINS
from engine.dmn.feel.interpreter import Interpreter
from engine.dmn.feel.lexer import FeelSyntaxError
from engine.dmn.feel.names import Vocabulary
from engine.dmn.feel.parser import parse_expression
from engine.dmn.feel.syntax import Node
from engine.dmn.feel.values import FeelLimit, Function, Value
from engine.errors import ExpressionError
from engine.model.values import Json
from engine.ports import Evaluated

PROPERTIES = ("time offset", "start included", "end included")
KNOWN = (*(name for name in BUILTINS if " " in name), *PROPERTIES)
"""Names of several words that every FEEL text may use."""


class Variables:
    """Names of JSON variables, converted when read; remembers which were read."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.reads: dict[str, Json] = {}
        self._variables = variables
        self._values: dict[str, Value] = {}

    def lookup(self, name: str) -> tuple[bool, Value]:
        """The variable's FEEL value."""
        if name not in self._values:
            if name not in self._variables:
                return False, None
            self.reads[name] = self._variables[name]
            self._values[name] = from_json(self._variables[name])
        return True, self._values[name]


class FeelEvaluator:
    """Evaluates FEEL expressions; safe for threads. `steps`: budget of one evaluation."""

    def __init__(self, steps: int = 200_000) -> None:
        self._steps = steps

    def evaluate(self, source: str, variables: Mapping[str, Any], now: datetime) -> Evaluated:
        """The value with the variables that were read. Raises ExpressionError for syntax and for the budget; other errors give null."""
        names = Variables(variables)
        spaced = tuple(sorted(name for name in variables if not name.isidentifier()))
        try:
            value = Interpreter(now, self._steps).evaluate(_parsed(source, spaced), names)
            if isinstance(value, Function):
                raise ExpressionError(source=source[:200], cause="the result is a function")
            return Evaluated(to_json(value), names.reads)
        except (FeelSyntaxError, FeelLimit) as exc:
            raise ExpressionError(source=source[:200], cause=str(exc)) from None

    def check(self, source: str) -> str | None:
        """A message when the text is not FEEL, else None."""
        try:
            _parsed(source, ())
        except FeelSyntaxError as exc:
            return str(exc)
        return None


@lru_cache(maxsize=2048)
def _parsed(source: str, names: tuple[str, ...]) -> Node:
    return parse_expression(source, Vocabulary((*KNOWN, *names)))
