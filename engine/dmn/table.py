"""Decision tables (DMN 1.5, clause 8): matching rules, hit policies, aggregation. Raises TableError when the rules contradict the hit policy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.dmn.boxed import Boxed, Evaluation, conformed
from engine.dmn.feel.exchange import to_json, typed
from engine.dmn.feel.operators import arithmetic
from engine.dmn.feel.scope import Scope, Source
from engine.dmn.feel.syntax import UnaryTests
from engine.dmn.feel.types import Type
from engine.dmn.feel.values import FeelError, Value, equal, less

HIT_POLICIES = ("UNIQUE", "FIRST", "PRIORITY", "ANY", "COLLECT", "RULE ORDER", "OUTPUT ORDER")
AGGREGATIONS = ("SUM", "MIN", "MAX", "COUNT")


class TableError(Exception):
    """The rules that matched contradict the table's hit policy."""


@dataclass(frozen=True, slots=True)
class Input:
    """An input clause. `text` is its expression as written; `allowed` the input values, None when any value may come; `variable` the name that
    Camunda's tables may give to the value for their cells.
    """

    text: str
    expression: Boxed
    type: Type
    allowed: UnaryTests | None
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """An output clause. `name` is None for a single unnamed output; `order` are the output values from the highest priority down."""

    name: str | None
    type: Type
    order: tuple[UnaryTests, ...]
    default: Boxed | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: a cell for each input, a cell for each output."""

    id: str
    tests: tuple[UnaryTests | None, ...]
    outputs: tuple[Boxed, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table."""

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]
    hit_policy: str
    aggregation: str | None
    type: Type

    def evaluate(self, run: Evaluation, scope: Scope | Source) -> Value:
        """Result of the table. Raises TableError."""
        values = [self._input(clause, run, scope) for clause in self.inputs]
        matched: list[Rule] = []
        for rule in self.rules:
            run.step()
            if all(self._satisfied(run, *one, scope) for one in zip(rule.tests, self.inputs, values, strict=True)):
                matched.append(rule)
                if self.hit_policy == "FIRST":
                    break
        return conformed(run, self._result(run, scope, matched), self.type, "decision table")

    def _input(self, clause: Input, run: Evaluation, scope: Scope | Source) -> Value:
        value = typed(run.charge(clause.expression.evaluate(run, scope)), clause.type)
        run.inputs[clause.text] = to_json(value)
        if clause.allowed is not None and value is not None and not run.test(clause.allowed, value, scope):
            run.warn(f"the value of {clause.text} is none of its input values")
        return value

    def _satisfied(self, run: Evaluation, test: UnaryTests | None, clause: Input, value: Value, scope: Scope | Source) -> bool:
        inner = scope if clause.variable is None else Scope({clause.variable: value}, scope)
        return test is not None and run.test(test, value, inner)

    def _result(self, run: Evaluation, scope: Scope | Source, matched: list[Rule]) -> Value:
        if not matched:
            return self._none(run, scope)
        if self.hit_policy == "UNIQUE" and len(matched) > 1:
            raise TableError(f"hit policy UNIQUE, but the rules {', '.join(rule.id for rule in matched[:5])} match at once")
        results = [self._outputs(run, scope, rule) for rule in matched]
        if self.hit_policy == "ANY" and any(equal(result, results[0]) is not True for result in results):
            raise TableError(f"hit policy ANY, but the rules {', '.join(rule.id for rule in matched[:5])} give different results")
        ranked = list(zip(matched, results, strict=True))
        if self.hit_policy in ("PRIORITY", "OUTPUT ORDER"):
            ranked.sort(key=lambda pair: self._ranks(run, scope, pair[1]))  # stable: equal ranks keep the order of the rules
        if self.hit_policy in ("FIRST", "PRIORITY"):
            ranked = ranked[:1]
        run.rules += [rule.id for rule, _ in ranked]
        if self.hit_policy in ("UNIQUE", "ANY", "FIRST", "PRIORITY"):
            return ranked[0][1]
        values = [result for _, result in ranked]
        return values if self.aggregation is None else _aggregated(self.aggregation, values)

    def _none(self, run: Evaluation, scope: Scope | Source) -> Value:
        """No rule matched: default outputs if there are any, else nothing."""
        if any(output.default is not None for output in self.outputs):
            found = self._shaped([None if o.default is None else o.default.evaluate(run, scope) for o in self.outputs])
            return [found] if self._many else found
        if self.aggregation == "COUNT":
            return Decimal(0)
        return [] if self._many else None

    @property
    def _many(self) -> bool:
        return self.hit_policy in ("RULE ORDER", "OUTPUT ORDER") or (self.hit_policy == "COLLECT" and self.aggregation is None)

    def _outputs(self, run: Evaluation, scope: Scope | Source, rule: Rule) -> Value:
        values = [typed(cell.evaluate(run, scope), output.type) for cell, output in zip(rule.outputs, self.outputs, strict=True)]
        return self._shaped([conformed(run, value, output.type, output.name or "output") for value, output in zip(values, self.outputs, strict=True)])

    def _shaped(self, values: Sequence[Value]) -> Value:
        if len(self.outputs) == 1:
            return values[0]
        return {output.name or f"output {number}": value for number, (output, value) in enumerate(zip(self.outputs, values, strict=True), 1)}

    def _ranks(self, run: Evaluation, scope: Scope | Source, result: Value) -> list[int]:
        """Position of each output among its output values; smaller is more important."""
        values = [result] if len(self.outputs) == 1 else list(result.values())
        return [self._rank(run, scope, output, value) for output, value in zip(self.outputs, values, strict=True)]

    def _rank(self, run: Evaluation, scope: Scope | Source, output: Output, value: Value) -> int:
        return next((at for at, test in enumerate(output.order) if run.test(test, value, scope)), len(output.order))


def _aggregated(aggregation: str, values: list[Value]) -> Value:
    if aggregation == "COUNT":
        return Decimal(len(values))
    return _AGGREGATES[aggregation](values)


def _sum(values: list[Value]) -> Value:
    return functools.reduce(lambda a, b: arithmetic("+", a, b), values)


def _best(values: list[Value], *, smallest: bool) -> Value:
    best = values[0]
    for value in values[1:]:
        before = less(value, best) if smallest else less(best, value)
        if before is None:
            raise FeelError("the results have no order")
        best = value if before else best
    return best


_AGGREGATES: dict[str, Callable[[list[Value]], Value]] = {
    "SUM": _sum,
    "MIN": lambda values: _best(values, smallest=True),
    "MAX": lambda values: _best(values, smallest=False),
}
