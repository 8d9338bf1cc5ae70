"""Sequence flows: conditions and defaults (BPMN 2.0.2 sections 8.4.13, 10.6)."""

from __future__ import annotations

from engine.bpmn.diagram import Flow, Node
from engine.bpmn.validation.rule import Finding, Findings, Place, checks, declare

CONDITION = declare("bpmn.condition", "10.6.2", "A condition is missing or not valid", "Write a condition, or make the flow the default one.")
CONDITION_IGNORED = declare(
    "bpmn.condition-ignored", "8.4.13", "The condition has no effect here", "Remove the condition, or use a gateway that evaluates it.", warning=True
)
DEFAULT_IGNORED = declare(
    "bpmn.default-ignored", "10.6", "The default mark has no effect here", "Remove the mark, or use an exclusive or inclusive gateway.", warning=True
)


@checks(CONDITION, "exclusiveGateway")
def exclusive_flows_have_conditions(_: Place, node: Node) -> Findings:
    for flow in node.outgoing if len(node.outgoing) > 1 else ():
        if flow.condition is None and not flow.default:
            message = f"sequence flow {flow.id} has no condition and is not the default flow"
            yield Finding(flow, message, "give it a condition or make it the default flow")


@checks(CONDITION, "node")
def conditional_events_have_conditions(_: Place, node: Node) -> Findings:
    for one in node.definitions:
        if one.kind == "conditional" and not one.text:
            yield Finding(node, "the conditional event has no condition", "write its condition", one.line)


@checks(CONDITION_IGNORED, "parallelGateway")
def parallel_gateways_take_every_flow(_: Place, node: Node) -> Findings:
    if any(flow.condition for flow in node.outgoing):
        yield Finding(node, "conditions after a parallel gateway have no effect", "use an inclusive gateway")


@checks(CONDITION_IGNORED, "flow")
def default_flows_need_no_condition(place: Place, flow: Flow) -> Findings:
    if flow.default and flow.condition and place.container.nodes[flow.source].type not in ("parallelGateway", "eventBasedGateway"):
        yield Finding(flow, f"the condition of the default flow {flow.id} is not evaluated", "remove the condition, or the default mark")


@checks(DEFAULT_IGNORED, "parallelGateway", "eventBasedGateway")
def no_default_where_nothing_is_chosen(_: Place, node: Node) -> Findings:
    for flow in node.outgoing:
        if flow.default:
            kind = "a parallel gateway takes every flow" if node.type == "parallelGateway" else "the events decide after an event-based gateway"
            yield Finding(flow, f"the default mark of sequence flow {flow.id} has no effect: {kind}")
