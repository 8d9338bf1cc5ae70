"""One FEEL text over JSON variables: for expressions of diagrams whose language is FEEL. Decision tables use the interpreter themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from engine.dmn.feel.exchange import from_json, to_json
from engine.dmn.feel.functions import BUILTINS
from engine.dmn.feel.interpreter import Interpreter
from engine.dmn.feel.lexer import FeelSyntaxError
from engine.dmn.feel.names import Vocabulary
from engine.dmn.feel.parser import parse_expression
from engine.dmn.feel.scope import Scope, Source
from engine.dmn.feel.syntax import Name, Node
from engine.dmn.feel.values import FeelLimit, Function, Value
from engine.errors import ExpressionError, FlowledgerError
from engine.model.values import Json
from engine.ports import Evaluated, HostFunction

PROPERTIES = ("time offset", "start included", "end included")
KNOWN = (*(name for name in BUILTINS if " " in name), *PROPERTIES)
"""Names of several words that every FEEL text may use."""

NO_FUNCTIONS: Mapping[str, HostFunction] = MappingProxyType({})


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


class Names(Variables):
    """Functions of packs before variables. A variable that does not exist is remembered too: it was read, as null."""

    def __init__(self, variables: Mapping[str, Any], functions: Mapping[str, HostFunction]) -> None:
        super().__init__(variables)
        self._functions = functions

    def lookup(self, name: str) -> tuple[bool, Value]:
        """The function of that name, else the variable's value."""
        if name in self._functions:
            return True, _function(name, self._functions[name])
        known, value = super().lookup(name)
        if not known and name not in BUILTINS and "." not in name:
            self.reads[name] = None
        return known, value


class DiagramInterpreter(Interpreter):
    """In diagrams variables come and go: the name of a built-in function, where it is not called, is a variable that does not exist, null."""

    def __init__(self, now: datetime, steps: int, names: Names) -> None:
        super().__init__(now, steps)
        self._names = names

    def _name(self, node: Name, scope: Scope | Source) -> Value:
        if node.name in BUILTINS and not scope.lookup(node.name)[0]:
            self._names.reads[node.name] = None
            return None
        return super()._name(node, scope)


class FeelEvaluator:
    """Evaluates FEEL expressions; safe for threads. `steps`: budget of one evaluation."""

    def __init__(self, steps: int = 200_000) -> None:
        self._steps = steps

    def evaluate(self, source: str, variables: Mapping[str, Any], now: datetime, functions: Mapping[str, HostFunction] = NO_FUNCTIONS) -> Evaluated:
        """The value with the variables that were read.

        Raises ExpressionError for syntax, for the budget and for a function that fails, BpmnError of a function; other errors give null.
        """
        names = Names(variables, functions)
        try:
            value = DiagramInterpreter(now, self._steps, names).evaluate(_parsed(source), names)
            if isinstance(value, Function):
                raise ExpressionError(source=source[:200], cause="the result is a function")
            return Evaluated(to_json(value), names.reads)
        except (FeelSyntaxError, FeelLimit) as exc:
            raise ExpressionError(source=source[:200], cause=str(exc)) from None
        except _FunctionFailed as exc:
            raise ExpressionError(source=source[:200], cause=str(exc)) from exc.__cause__

    def check(self, source: str) -> str | None:
        """A message when the text is not FEEL, else None."""
        try:
            _parsed(source)
        except FeelSyntaxError as exc:
            return str(exc)
        return None


class _FunctionFailed(Exception):
    """A function of a pack raised something that is no error of the engine."""


def _function(name: str, function: HostFunction) -> Function:
    def host(arguments: Sequence[Value], named: Mapping[str, Value]) -> Value:
        try:
            return from_json(function(*map(to_json, arguments), **{key: to_json(value) for key, value in named.items()}))
        except (FlowledgerError, FeelLimit):
            raise
        except Exception as exc:
            raise _FunctionFailed(f"{name}() failed: {type(exc).__name__}: {exc}") from exc

    return Function(name, (), lambda arguments: host(arguments, {}), host=host)


@lru_cache(maxsize=2048)
def _parsed(source: str) -> Node:
    """Names of variables are single words here: which names exist at run time must not change how a text is read."""
    return parse_expression(source, _VOCABULARY)


_VOCABULARY = Vocabulary(KNOWN)
