"""A compiled DMN file: its decisions, what they require, and their evaluation (DMN 1.5, clauses 6.3 and 10.4). Implements `DecisionModel`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from engine.dmn.boxed import Boxed, Definition, Evaluation, Missing, conformed
from engine.dmn.feel.evaluator import Variables
from engine.dmn.feel.exchange import to_json, typed
from engine.dmn.feel.scope import Source
from engine.dmn.feel.types import ANY, Type
from engine.dmn.feel.values import FeelError, FeelLimit, Function, Value
from engine.dmn.table import Table, TableError
from engine.errors import ExpressionError
from engine.model.values import Json
from engine.ports import Decided

STEPS = 500_000
MAX_REQUIREMENTS = 200

Kind: TypeAlias = Literal["input", "decision", "knowledge", "service"]


@dataclass(frozen=True, slots=True)
class Element:
    """Input data, decision, business knowledge model or decision service.

    `requires`: ids of the required elements (of a service: its inputs, in the order of its parameters); `outputs`: the output decisions of a
    service, `encapsulated`: the decisions that it computes itself.
    """

    id: str
    name: str
    kind: Kind
    type: Type = ANY
    variable: str = ""
    logic: Boxed = Missing()  # noqa: RUF009 - immutable
    requires: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    namespace: str = ""  # of the file
    imports: Mapping[str, str] = field(default_factory=dict)  # names under which the file imports others, by namespace
    line: int | None = None


class DmnModel:
    """Immutable, safe for threads."""

    def __init__(self, elements: Mapping[str, Element], types: Mapping[str, Type]) -> None:
        self.elements = elements
        self.types = types
        self.decision_ids: tuple[str, ...] = tuple(key for key, e in elements.items() if e.kind in ("decision", "service") and "#" not in key)

    def place_of(self, decision_id: str) -> tuple[str | None, int | None]:
        """Name and line in its file, for findings."""
        element = self.elements[decision_id]
        return element.name or None, element.line

    def evaluate(self, decision_id: str, variables: Mapping[str, Any], now: datetime) -> Decided:
        """The decision over process variables. Raises ExpressionError: unknown id, rules that contradict the hit policy, budget exceeded."""
        if decision_id not in self.decision_ids:
            raise ExpressionError(source=decision_id, cause="there is no decision with this id")
        data = Variables(variables)
        value, run = self.compute(decision_id, data, now)
        try:
            return Decided(to_json(value), tuple(run.rules), _reads(data.reads, run.inputs))
        except FeelLimit as exc:
            raise ExpressionError(source=decision_id, cause=str(exc)) from None

    def compute(self, element_id: str, data: Source, now: datetime, arguments: Mapping[str, Value] | None = None) -> tuple[Value, Evaluation]:
        """The FEEL value of a decision, service or business knowledge model with what explains it. Raises ExpressionError.

        `arguments`: a service's parameters by name; without them its inputs come from the data.
        """
        element = self.elements.get(element_id)
        if element is None or element.kind == "input":
            raise ExpressionError(source=element_id, cause="there is no decision with this id")
        run = Evaluation(now, STEPS, self.types)
        try:
            graph = Graph(self, run, data)
            if element.kind == "service" and arguments is not None:
                return run.called(graph.value(element), arguments), run
            return graph.result(element), run
        except (FeelLimit, TableError) as exc:
            raise ExpressionError(source=element.name or element_id, cause=str(exc)) from None
        except RecursionError:
            raise ExpressionError(source=element.name or element_id, cause="it is nested too deeply") from None

    def result_name(self, decision_id: str) -> str:
        """The name of the decision's variable, or its own, or its id: the first that expressions of processes can name."""
        element = self.elements[decision_id]
        return next((name for name in (element.variable, element.name) if name.isidentifier()), decision_id)

    def output_name(self, decision_id: str) -> str:
        """The name of the only output of its table; of any other decision that of its variable."""
        element = self.elements[decision_id]
        outputs = element.logic.outputs if isinstance(element.logic, Table) else ()
        return (outputs[0].name if len(outputs) == 1 else None) or element.variable or element.name


def _reads(variables: Mapping[str, Json], inputs: Mapping[str, Json]) -> dict[str, Json]:
    """Variables read, and the values of input expressions that are more than a variable's name."""
    return {**variables, **{text: value for text, value in inputs.items() if text not in variables}}


class Graph:
    """One evaluation of a requirements graph: every decision once. `given`: values of elements that are not computed, by id."""

    def __init__(self, model: DmnModel, run: Evaluation, data: Source, given: Mapping[str, Value] | None = None) -> None:
        self.model = model
        self.run = run
        self.data = data
        self._values: dict[str, Value] = dict(given or {})
        self._depth = 0

    def result(self, element: Element) -> Value:
        """Value of a decision, or of a service over the data."""
        if element.kind == "service":
            return self._outputs(element)
        return self.value(element)

    def value(self, element: Element) -> Value:
        """Value of an element: data, the decision's result, or a function."""
        if element.id not in self._values:
            self._depth += 1
            if self._depth > MAX_REQUIREMENTS:
                raise FeelLimit("the requirements are nested too deeply")
            self._values[element.id] = self._computed(element)
            self._depth -= 1
        return self._values[element.id]

    def _computed(self, element: Element) -> Value:
        if element.kind == "input":
            return self._input(element)
        scope = Required(self, element)
        if element.kind == "knowledge" and isinstance(element.logic, Definition):
            return element.logic.evaluate(self.run, scope, element.name)
        if element.kind == "service":
            return self._service(element)
        try:
            value = element.logic.evaluate(self.run, scope)
        except FeelError as exc:
            value = None
            self.run.warn(str(exc))
        return conformed(self.run, value, element.type, element.name)

    def _input(self, element: Element) -> Value:
        """Process variables have identifiers for names: `Customer type` is found as `Customer_type`, too, or by the element's id."""
        for name in (element.name, element.id.rpartition("#")[2], element.name.replace(" ", "_")):
            known, value = self.data.lookup(name)
            if known:
                return conformed(self.run, typed(value, element.type), element.type, element.name)
        return None

    def _service(self, element: Element) -> Function:
        inputs = [self.model.elements[i] for i in element.requires]

        def call(arguments: Sequence[Value]) -> Value:
            given = {}
            for required, argument in zip(inputs, arguments, strict=True):
                given[required.id] = conformed(self.run, argument, required.type, required.name)
                if argument is not None and given[required.id] is None:
                    raise FeelError(f"{element.name}: {required.name} is no {required.type.name}")
            return Graph(self.model, self.run, self.data, given)._outputs(element)

        return Function(element.name, tuple(required.name for required in inputs), call)

    def _outputs(self, service: Element) -> Value:
        values = {self.model.elements[i].name: self.value(self.model.elements[i]) for i in service.outputs}
        found = next(iter(values.values())) if len(values) == 1 else values
        return conformed(self.run, found, service.type, service.name)


class Required:
    """The names that an element's logic sees: what it requires, then the data."""

    __slots__ = ("_graph", "_imported", "_names")

    def __init__(self, graph: Graph, element: Element) -> None:
        self._graph = graph
        self._names: dict[str, Element] = {}
        self._imported: dict[str, dict[str, Element]] = {}
        for required in (graph.model.elements[i] for i in element.requires if i in graph.model.elements):
            prefix = "" if required.namespace == element.namespace else element.imports.get(required.namespace, "")
            (self._imported.setdefault(prefix, {}) if prefix else self._names)[required.name] = required
        if element.kind == "knowledge":
            self._names.setdefault(element.name, element)  # it may call itself

    def lookup(self, name: str) -> tuple[bool, Value]:
        """Value of a required element or of a variable."""
        if name in self._imported:
            return True, {inner: self._graph.value(element) for inner, element in self._imported[name].items()}
        element = self._names.get(name)
        return (True, self._graph.value(element)) if element is not None else self._graph.data.lookup(name)
