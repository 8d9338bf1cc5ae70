"""DMN elements to compiled expressions: boxed expressions, decision tables, functions. Collects every problem instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Iterator as Iterates
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import takewhile

from engine.dmn.boxed import (
    Boxed,
    Conditional,
    Context,
    Definition,
    Entry,
    Evaluation,
    FilterBox,
    Invocation,
    Iterator,
    ListBox,
    Missing,
    Relation,
    Text,
    Unreadable,
)
from engine.dmn.feel.budget import ALLOWED_STEPS
from engine.dmn.feel.evaluator import KNOWN
from engine.dmn.feel.lexer import FeelSyntaxError
from engine.dmn.feel.names import Vocabulary
from engine.dmn.feel.parser import parse_expression, parse_unary_tests
from engine.dmn.feel.scope import Scope
from engine.dmn.feel.syntax import UnaryTests
from engine.dmn.feel.types import ANY, Type
from engine.dmn.feel.values import FeelLimit, Value
from engine.dmn.items import Items, component_names
from engine.dmn.structure import BOXED as EXPRESSIONS
from engine.dmn.structure import strangers
from engine.dmn.table import AGGREGATIONS, HIT_POLICIES, Input, Output, Rule, Table
from engine.dmn.xml import INPUT_VARIABLES, Xml, child, children, local, name_of, text
from engine.errors import Problem
from engine.model.languages import FEEL, named

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Reader:
    """Compiles the expressions of one file. `imported`: readers of imported files by the names given to them; `owner` is the decision or business knowledge model being read, for messages."""

    def __init__(self, file: str, definitions: Xml, imported: Mapping[str, Reader]) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.owner: Xml = definitions
        self._place = ""
        self._language = definitions.get("expressionLanguage")
        self.names: set[str] = component_names(definitions).union(*(reader.names for reader in imported.values()))
        self._vocabulary = Vocabulary((*KNOWN, *sorted(self.names)))
        self.items: Items = Items(definitions, self._allowed, {name: reader.items for name, reader in imported.items()})

    def problem(self, rule: str, message: str, element: Xml, advice: str = "") -> None:
        """Notes a finding about the current decision: at the innermost element with an id (of a table: the cell, else the rule), in words its place."""
        line = int(element.sourceline or 0) or None
        inside = (one.get("id") for one in takewhile(lambda one: one is not self.owner, (element, *element.iterancestors())))
        identity = next(filter(None, inside), None) if element is not self.owner and self.owner in element.iterancestors() else None
        said = f"{self._place}: {message}" if self._place else message
        self.problems.append(Problem(self.file, rule, said, identity or self.owner.get("id"), name_of(self.owner) or None, line, advice))

    def structure(self, element: Xml, *, deep: bool = True) -> None:
        """Notes what the schema does not allow in it."""
        for one, message in strangers(element, deep=deep):
            self.problem("dmn.structure", message, one)

    @contextmanager
    def _at(self, place: str) -> Iterates[None]:
        """What is found meanwhile is found there."""
        before, self._place = self._place, f"{self._place}, {place}" if self._place else place
        try:
            yield
        finally:
            self._place = before

    # --- texts and types ----------------------------------------------------------------------------------------------
    def type_of(self, reference: str | None, element: Xml) -> Type:
        """The type of a `typeRef`; unknown ones are a problem and count as Any."""
        found = self.items.named(reference)
        if found is None:
            self.problem("dmn.type", f"unknown type {reference!r}", element, "declare an item definition of that name, or use a type of FEEL")
        return found or ANY

    def feel(self, written: str, element: Xml) -> Boxed:
        """A compiled FEEL text; empty is null."""
        if not written:
            return Missing()
        if not self._is_feel(element):
            return Unreadable("not FEEL")
        try:
            return Text(parse_expression(written, self._vocabulary))
        except FeelSyntaxError as exc:
            self.problem("dmn.feel", f"not a FEEL expression: {exc}", element)
            return Unreadable(str(exc))

    def tests(self, written: str, element: Xml) -> UnaryTests | None:
        """Compiled unary tests; empty means any value; None when they cannot be read."""
        if not written or written == "-":
            return UnaryTests(None, (), negated=False)
        if not self._is_feel(element):
            return None
        try:
            return parse_unary_tests(written, self._vocabulary)
        except FeelSyntaxError as exc:
            self.problem("dmn.feel", f"not FEEL unary tests: {exc}", element)
            return None

    def _is_feel(self, element: Xml) -> bool:
        language = element.get("expressionLanguage") or self._language
        if language is None or named(language) == FEEL:
            return True
        self.problem("dmn.language", f"the expression language {language} is not available", element, "write the expression in FEEL")
        return False

    def _allowed(self, element: Xml, written: str) -> Callable[[Value], bool] | None:
        tests = self.tests(written, element)
        if tests is None or tests.tests is None:
            return None

        def test(value: Value) -> bool:
            # Allowed values are constants: no clock, no names; and few, for they are tested often.
            try:
                return Evaluation(_EPOCH, ALLOWED_STEPS + 4 * len(tests.tests or ())).test(tests, value, Scope({}))
            except FeelLimit:
                return False

        return test

    # --- boxed expressions --------------------------------------------------------------------------------------------
    def inner(self, element: Xml | None) -> Boxed:
        """The expression inside an element that holds one."""
        found = None if element is None else child(element, *EXPRESSIONS)
        return Missing() if found is None else self.expression(found)

    def expression(self, element: Xml) -> Boxed:
        """Any boxed expression."""
        return _KINDS[local(element)](self, element)

    def literal(self, element: Xml) -> Boxed:
        if child(element, "importedValues") is not None:
            self.problem("dmn.import", "imported values are not available", element)
        compiled = self.feel(text(element), element)
        return Text(compiled.node, self.type_of(element.get("typeRef"), element)) if isinstance(compiled, Text) else compiled

    def context(self, element: Xml) -> Boxed:
        entries = []
        for entry in children(element, "contextEntry"):
            variable = child(entry, "variable")
            name = None if variable is None else name_of(variable)
            of = ANY if variable is None else self.type_of(variable.get("typeRef"), variable)
            entries.append(Entry(name, of, self.inner(entry)))
        return Context(tuple(entries), self.type_of(element.get("typeRef"), element))

    def list_of(self, element: Xml) -> Boxed:
        items = tuple(self.expression(item) for item in children(element, *EXPRESSIONS))
        return ListBox(items, self.type_of(element.get("typeRef"), element))

    def relation(self, element: Xml) -> Boxed:
        columns = tuple(name_of(column) for column in children(element, "column"))
        rows = tuple(tuple(self.expression(cell) for cell in children(row, *EXPRESSIONS)) for row in children(element, "row"))
        for number, (row, cells) in enumerate(zip(children(element, "row"), rows, strict=True), 1):
            if len(cells) != len(columns):
                self.problem("dmn.rule", f"row {number} has {len(cells)} expressions, and not {len(columns)}", row, "give it one for each column")
        return Relation(columns, rows)

    def invocation(self, element: Xml) -> Boxed:
        bindings = []
        for binding in children(element, "binding"):
            parameter = child(binding, "parameter")
            bindings.append((name_of(parameter) if parameter is not None else "", self.inner(binding)))
        return Invocation(self.inner(element), tuple(bindings), self.type_of(element.get("typeRef"), element))

    def function(self, element: Xml, result: Type = ANY) -> Definition:
        """A function definition; `result` is the type of what it gives."""
        parameters = list(children(element, "formalParameter"))
        kind = element.get("kind") or "FEEL"
        refused = None
        if kind != "FEEL":
            refused = f"functions of kind {kind} are not available"
            self.problem("dmn.external", refused, element, "write the function in FEEL, or use a service task")
        names = tuple(name_of(parameter) for parameter in parameters)
        types = tuple(self.type_of(parameter.get("typeRef"), parameter) for parameter in parameters)
        return Definition(names, types, Missing() if refused else self.inner(element), result, refused)

    def conditional(self, element: Xml) -> Boxed:
        return Conditional(*(self.inner(child(element, name)) for name in ("if", "then", "else")))

    def filter(self, element: Xml) -> Boxed:
        return FilterBox(self.inner(child(element, "in")), self.inner(child(element, "match")))

    def iterator(self, element: Xml) -> Boxed:
        word = None if local(element) == "for" else local(element)
        body = self.inner(child(element, "return" if word is None else "satisfies"))
        name = " ".join((element.get("iteratorVariable") or "").split())
        return Iterator(word, name, self.inner(child(element, "in")), body, self.type_of(element.get("typeRef"), element))

    # --- decision tables ----------------------------------------------------------------------------------------------
    def table(self, element: Xml) -> Boxed:
        policy = (element.get("hitPolicy") or "UNIQUE").upper()
        aggregation = element.get("aggregation")
        outputs = tuple(self._output(output, number) for number, output in enumerate(children(element, "output"), 1))
        if policy not in HIT_POLICIES:
            self.problem("dmn.hit-policy", f"unknown hit policy {policy}", element)
        if aggregation is not None and (aggregation not in AGGREGATIONS or policy != "COLLECT"):
            self.problem("dmn.aggregation", f"the aggregation {aggregation} does not fit the hit policy {policy}", element)
        if aggregation is not None and len(outputs) > 1:
            self.problem("dmn.aggregation", "an aggregation needs a single output", element)
        if not outputs:
            self.problem("dmn.output", "a decision table needs an output", element)
        names = [output.name for output in outputs if output.name]
        for name in dict.fromkeys(one for one in names if names.count(one) > 1):
            self.problem("dmn.output", f"several outputs are called {name!r}", element, "give each output a name of its own")
        if policy in ("PRIORITY", "OUTPUT ORDER") and not any(output.order for output in outputs):
            self.problem(
                "dmn.priority", f"the hit policy {policy} needs output values", element, "list the output values from the most important down"
            )
        inputs = tuple(self._input(clause, number) for number, clause in enumerate(children(element, "input"), 1))
        rules = tuple(self._rule(rule, number, inputs, outputs) for number, rule in enumerate(children(element, "rule"), 1))
        return Table(inputs, outputs, rules, policy, aggregation, self.type_of(element.get("typeRef"), element))

    def _input(self, clause: Xml, number: int) -> Input:
        expression = child(clause, "inputExpression")
        written = text(expression)
        with self._at(_column("input", number, written)):
            if expression is None or not written:
                self.problem("dmn.input", "an input has no expression", clause, "give the name of the variable to test")
                return Input("", Missing(), ANY, None)
            values = child(clause, "inputValues")
            allowed = None if values is None or not text(values) else self.tests(text(values), values)
            variable = next(filter(None, map(clause.get, INPUT_VARIABLES)), None)
            return Input(written, self.feel(written, expression), self.type_of(expression.get("typeRef"), expression), allowed, variable)

    def _output(self, clause: Xml, number: int) -> Output:
        with self._at(_column("output", number, name_of(clause))):
            values = child(clause, "outputValues")
            tests = self.tests(text(values), values) if values is not None and text(values) else None
            order = (
                ()
                if tests is None or tests.tests is None
                else tuple(UnaryTests((t,), (a,), negated=False) for t, a in zip(tests.tests, tests.asks, strict=True))
            )
            default = child(clause, "defaultOutputEntry")
            entry = None if default is None or not text(default) else self.feel(text(default), default)
            return Output(name_of(clause) or None, self.type_of(clause.get("typeRef"), clause), order, entry)

    def _rule(self, rule: Xml, number: int, inputs: tuple[Input, ...], outputs: tuple[Output, ...]) -> Rule:
        cells = list(children(rule, "inputEntry"))
        results = list(children(rule, "outputEntry"))
        name = rule.get("id") or f"{self.owner.get('id')}#{number}"
        with self._at(f"rule {number} ({rule.get('id')})" if rule.get("id") else f"rule {number}"):
            if len(cells) != len(inputs) or len(results) != len(outputs):
                message = f"it has {len(cells)} input and {len(results)} output entries, not {len(inputs)} and {len(outputs)}"
                self.problem("dmn.rule", message, rule)
                return Rule(name, (None,) * len(inputs), (Missing(),) * len(outputs))
            tests = tuple(self._test_cell(cell, number, clause) for number, (cell, clause) in enumerate(zip(cells, inputs, strict=True), 1))
            return Rule(
                name,
                tests,
                tuple(self._result_cell(cell, number, clause) for number, (cell, clause) in enumerate(zip(results, outputs, strict=True), 1)),
            )

    def _test_cell(self, cell: Xml, number: int, clause: Input) -> UnaryTests | None:
        with self._at(_column("input", number, clause.text)):
            return self.tests(text(cell), cell)

    def _result_cell(self, cell: Xml, number: int, clause: Output) -> Boxed:
        with self._at(_column("output", number, clause.name)):
            return self.feel(text(cell), cell)


def _column(kind: str, number: int, name: str | None) -> str:
    return f"{kind} {number} ({name})" if name else f"{kind} {number}"


_KINDS: dict[str, Callable[[Reader, Xml], Boxed]] = {
    "literalExpression": Reader.literal,
    "decisionTable": Reader.table,
    "context": Reader.context,
    "list": Reader.list_of,
    "relation": Reader.relation,
    "invocation": Reader.invocation,
    "functionDefinition": Reader.function,
    "conditional": Reader.conditional,
    "filter": Reader.filter,
    "for": Reader.iterator,
    "some": Reader.iterator,
    "every": Reader.iterator,
}
