"""Boxed expressions (DMN 1.5, clauses 7.3 and 10.2), compiled: what each evaluates to. Decision tables are in `table`, reading XML in `reading`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.dmn.feel.interpreter import Interpreter
from engine.dmn.feel.scope import Results, Scope, Source
from engine.dmn.feel.syntax import Node
from engine.dmn.feel.types import ANY, Type
from engine.dmn.feel.values import FeelError, Range, Value, kind
from engine.model.values import Json


class Evaluation(Interpreter):
    """One evaluation of a decision: FEEL's interpreter plus what explains the result."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.rules: list[str] = []
        self.inputs: dict[str, Json] = {}
        self.results: dict[str, Value] = {}

    def called(self, function: Value, arguments: Mapping[str, Value]) -> Value:
        """A function's result for named arguments, or null with a warning."""
        try:
            return self.call(function, list(arguments.values()), list(arguments))
        except FeelError as exc:
            self.warn(str(exc))
            return None


class Boxed(Protocol):
    """A compiled expression of any kind."""

    def evaluate(self, run: Evaluation, scope: Scope | Source) -> Value: ...


def safely(run: Evaluation, compute: Callable[[], Value]) -> Value:
    """The value, or null with a warning for an error of FEEL."""
    run.step()
    try:
        return compute()
    except FeelError as exc:
        run.warn(str(exc))
        return None


def conformed(run: Evaluation, value: Value, of: Type, what: str) -> Value:
    """The value as that type, or null with a warning (clause 10.3.2.9.4)."""
    out = run.coerce(value, of)
    if out is None and value is not None:
        run.warn(f"{what}: {kind(value)} does not conform to its type {of.name}")
    return out


@dataclass(frozen=True, slots=True)
class Missing:
    """No expression where one may be left out: null."""

    def evaluate(self, run: Evaluation, scope: Scope | Source) -> Value:  # noqa: ARG002 - the protocol's parameters
        return None


@dataclass(frozen=True, slots=True)
class Text:
    """A literal expression: a FEEL text."""

    node: Node
    type: Type = ANY

    def evaluate(self, run: Evaluation, scope: Scope | Source) -> Value:
        return conformed(run, run.evaluate(self.node, scope), self.type, "literal expression")


@dataclass(frozen=True, slots=True)
class Entry:
    """A named or (as the last of a context) unnamed entry."""

    name: str | None
    type: Type
    value: Boxed


@dataclass(frozen=True, slots=True)
class Context:
    """A context whose later entries see the earlier ones; a last entry without a name is the result."""

    entries: tuple[Entry, ...]
    type: Type = ANY

    def evaluate(self, run: Evaluation, scope: Scope | Source) -> Value:
        values: dict[str, Value] = {}
        inner = Scope(values, scope)
        for entry in self.entries:
            value = conformed(run, entry.value.evaluate(run, inner), entry.type, entry.name or "result")
            if entry.name is None:
                return value
            values[entry.name] = value
        return conformed(run, values, self.type, "context")


@dataclass(frozen=True, slots=True)
class ListBox:
    """A list of expressions."""

    items: tuple[Boxed, ...]
    type: Type = ANY

    def evaluate(self, run: Evaluation, scope: Scope | Source) -> Value:
        return conformed(run, [item.evaluate(run, scope) for item in self.items], self.type, "list")


@dataclass(frozen=True, slots=True)
class Relation:
    """A list of contexts with the same keys."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Boxed, ...], ...]

    def evaluate(self, run: Evaluation, scope: Scope | Source) -> Value:
        return [{name: cell.evaluate(run, scope) for name, cell in zip(self.columns, row, strict=False)} for row in self.rows]


@dataclass(frozen=True, slots=True)
class Definition:
    """A function definition: a lambda, or the logic of a business knowledge model."""

    parameters: tuple[str, ...]
    types: tuple[Type, ...]
    body: Boxed
    result: Type = ANY
    refused: str | None = None  # why it cannot be called (external functions)

    def evaluate(self, run: Evaluation, scope: Scope | Source, name: str = "function") -> Value:
        def body(inner: Scope) -> Value:
            if self.refused:
                raise FeelError(self.refused)
            return conformed(run, self.body.evaluate(run, inner), self.result, name)

        return run.closure(name, self.parameters, self.types, body, scope)


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call with bound parameters."""

    function: Boxed
    bindings: tuple[tuple[str, Boxed], ...]
    type: Type = ANY

    def evaluate(self, run: Evaluation, scope: Scope | Source) -> Value:
        def compute() -> Value:
            function = self.function.evaluate(run, scope)
            names = [name for name, _ in self.bindings]
            return run.call(function, [value.evaluate(run, scope) for _, value in self.bindings], names or None)

        return conformed(run, safely(run, compute), self.type, "invocation")


@dataclass(frozen=True, slots=True)
class Conditional:
    """if, then, else."""

    condition: Boxed
    then: Boxed
    otherwise: Boxed

    def evaluate(self, run: Evaluation, scope: Scope | Source) -> Value:
        answer = self.condition.evaluate(run, scope)
        if answer is not None and not isinstance(answer, bool):
            run.warn(f"a condition of type {kind(answer)}")
            return None
        return (self.then if answer else self.otherwise).evaluate(run, scope)


@dataclass(frozen=True, slots=True)
class FilterBox:
    """in, match."""

    source: Boxed
    match: Boxed

    def evaluate(self, run: Evaluation, scope: Scope | Source) -> Value:
        return safely(run, lambda: run.filtered(self.source.evaluate(run, scope), lambda inner: self.match.evaluate(run, inner), scope))


@dataclass(frozen=True, slots=True)
class Iterator:
    """for (`word` is None), some, every."""

    word: str | None
    variable: str
    source: Boxed
    body: Boxed
    type: Type = ANY

    def evaluate(self, run: Evaluation, scope: Scope | Source) -> Value:
        return conformed(run, safely(run, lambda: self._value(run, scope)), self.type, self.word or "for")

    def _value(self, run: Evaluation, scope: Scope | Source) -> Value:
        source = self.source.evaluate(run, scope)
        if self.word is not None and not isinstance(source, list | Range):
            raise FeelError(f"{self.word}: {kind(source)} is no list")
        out: list[Value] = []
        for item in run.items(source):
            run.step()
            out.append(self.body.evaluate(run, Scope({self.variable: item}, Results(out, scope, run.step))))
        return out if self.word is None else _quantified(out, decisive=self.word == "some")


def _quantified(answers: Sequence[Value], *, decisive: bool) -> bool | None:
    if not all(isinstance(answer, bool) for answer in answers):
        return None
    return decisive if any(answer is decisive for answer in answers) else not decisive


@dataclass(slots=True)
class Unreadable:
    """Stands for an expression that could not be compiled; evaluating it gives null. Only lenient compilation leaves any."""

    message: str = field(default="")

    def evaluate(self, run: Evaluation, scope: Scope | Source) -> Value:  # noqa: ARG002 - the protocol's parameters
        run.warn(self.message)
        return None
