"""Every expression of a diagram is read by the evaluator before anything is deployed (BPMN 2.0.2 section 10.4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.bpmn.diagram import Container, Flow, Node, Parameter
from engine.bpmn.templates import Template, template
from engine.bpmn.timers import looks_iso
from engine.bpmn.validation.rule import Finding, Findings, Place, checks, declare
from engine.model.languages import is_feel

EXPRESSION = declare("expression", "10.4.3", "An expression is not valid", "Correct the expression.")


@checks(EXPRESSION, "container")
def completion_conditions_are_accepted(place: Place, container: Container) -> Findings:
    if container.ad_hoc is not None:
        yield from _refused(place, container, filter(None, (container.ad_hoc.condition, container.ad_hoc.chosen)))


@checks(EXPRESSION, "container")
def data_paths_of_correlation_are_accepted(place: Place, container: Container) -> Findings:
    for bound in container.bindings.values():
        yield from _refused(place, container, filter(None, bound.values()))


@checks(EXPRESSION, "flow")
def conditions_are_accepted(place: Place, flow: Flow) -> Findings:
    if flow.condition is not None and not flow.default:
        yield from _refused(place, flow, [flow.condition])


@checks(EXPRESSION, "node")
def expressions_are_accepted(place: Place, node: Node) -> Findings:
    texts = [*_of_events(node), *_of_work(node)]
    for one in templates_of(node):
        texts += one.expressions
    yield from _refused(place, node, texts)


def _refused(place: Place, subject: Node | Flow | Container, texts: Iterable[str]) -> Findings:
    for text in texts:
        found = place.refusal(text, "expression")
        if found:
            advice = "correct the FEEL text" if is_feel(text) else "write it in Python (==, and, or, not, True, None), or name FEEL as its language"
            yield Finding(subject, f"the expression {text!r} is refused: {found}", advice)


def _of_events(node: Node) -> Iterator[str]:
    for one in node.definitions:
        if (one.kind == "conditional" and one.text) or (one.kind == "timer" and one.text and not looks_iso(one.text)):
            yield one.text
        for key in one.keys:
            yield from filter(None, (*key.paths, *key.bindings))


def _of_work(node: Node) -> Iterator[str]:
    if node.type == "complexGateway" and node.activation:
        yield node.activation
    if node.script and node.result_variable:
        yield node.script
    loop = node.loop
    if loop is not None:
        conditions = [text for text, _ in loop.complex_events]
        yield from filter(None, (loop.condition, loop.cardinality, loop.collection_expression, loop.output_expression, *conditions))


def templates_of(node: Node) -> Iterator[Template]:
    """Every text of a node that may hold expressions."""
    work = node.assignment
    single = (work.assignee, work.form_key, work.due, work.follow_up, work.priority, node.topic, node.decision, node.called)
    yield from (one for one in single if one is not None)
    yield from (*work.groups, *work.users, *work.excludes)
    parameters: Iterable[Parameter] = (
        *(*node.parameters, *node.inputs, *node.outputs, *node.store_outputs),
        *(*node.mapping_in.parameters, *node.mapping_out.parameters),
    )
    yield from (parameter.value for parameter in parameters)
    for one in node.definitions:
        named = template(one.name) if one.kind in ("message", "signal") else None
        if named is not None:
            yield named
        if one.correlation is not None:
            yield one.correlation
        if one.payload is not None:
            yield one.payload
        yield from (parameter.value for parameter in one.content)
