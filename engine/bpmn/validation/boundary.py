"""Boundary events, compensation and its handlers (BPMN 2.0.2 sections 10.5.3, 10.7, 13.5.3, 13.5.5)."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.diagram import Container, Definition, Node
from engine.bpmn.reader import ACTIVITIES
from engine.bpmn.validation.rule import Finding, Findings, Place, checks, declare

BOUNDARY = declare(
    "bpmn.boundary", "10.5.3", "The boundary event does not fit its activity", "Attach it to an activity and choose a kind that may stand there."
)
NEVER_ARMED = declare(
    "bpmn.boundary-idle", "13.5.3", "The activity ends at once; this boundary event can never happen",
    "Attach it to an activity that waits, or remove it.", warning=True,
)  # fmt: skip
NEVER_ESCALATED = declare(
    "bpmn.boundary-escalation", "10.5.3", "No escalation comes out of the activity; this boundary event can never happen",
    "Attach it to a subprocess or call activity, or choose another trigger.", warning=True,
)  # fmt: skip
COMPENSATION = declare("bpmn.compensation", "10.7", "The compensation is not complete", "Connect the compensation event with its activity.")
TWICE = declare(
    "bpmn.compensation-twice", "10.7", "An activity has more than one compensation handler", "Put the handlers into one subprocess and connect that."
)
UNUSED_HANDLER = declare(
    "bpmn.compensation-unused", "10.7", "Nothing calls this compensating activity",
    "Connect it by an association with a compensation boundary event, or remove its mark.", warning=True,
)  # fmt: skip
NOTHING_TO_UNDO = declare(
    "bpmn.compensation-nothing", "10.7", "The activity to compensate has no compensation handler",
    "Attach a compensation boundary event with a handler to it, or compensate another activity.", warning=True,
)  # fmt: skip


def at_once(node: Node) -> bool:
    """Does the activity end within the step that began it? Then nothing from outside can reach it."""
    if node.type == "businessRuleTask":
        return node.decision is not None or node.topic is None
    return node.type in ("task", "scriptTask") or (node.type in ("serviceTask", "sendTask") and node.topic is None)


@checks(BOUNDARY, "boundaryEvent")
def boundary_events_stand_on_activities(place: Place, node: Node) -> Findings:
    host = place.container.nodes.get(node.attached_to or "")
    if host is None and not node.attached_to:
        yield Finding(node, "the boundary event is attached to nothing", "attach it to an activity")
    elif host is None:
        yield Finding(node, f"the boundary event is attached to {node.attached_to!r}, which is no activity of its scope", "attach it to an activity")
    elif host.type not in ACTIVITIES:
        yield Finding(node, f"a boundary event can only be attached to an activity; {host.id} is of the type {host.type}", "attach it to an activity")
    elif host.inner is not None and host.inner.triggered_by_event:
        yield Finding(node, f"the boundary event is attached to the event subprocess {host.id}", "put what it should do into the event subprocess")


@checks(BOUNDARY, "boundaryEvent")
def boundary_events_wait_for_something(_: Place, node: Node) -> Findings:
    if not node.definitions:
        yield Finding(node, "the boundary event waits for nothing", "choose what it waits for")


@checks(BOUNDARY, "boundaryEvent")
def nothing_leads_into_a_boundary_event(_: Place, node: Node) -> Findings:
    if node.incoming:
        yield Finding(node, "a sequence flow leads into a boundary event", "remove the flow, or lead it to the element behind the event")


@checks(NEVER_ARMED, "boundaryEvent")
def boundary_events_can_happen(place: Place, node: Node) -> Findings:
    host = place.container.nodes.get(node.attached_to or "")
    waits = [one.kind for one in node.definitions if one.kind in ("message", "signal", "timer", "conditional")]
    if host is not None and waits and len(waits) == len(node.definitions) and at_once(host):
        yield Finding(node, f"{host.id} ends in the same step in which it begins: it cannot be reached by a {' or '.join(waits)} event")


@checks(NEVER_ESCALATED, "boundaryEvent")
def escalations_come_from_inside(place: Place, node: Node) -> Findings:
    """Out of a scope, or thrown by the behaviour of a multi-instance activity."""
    host = place.container.nodes.get(node.attached_to or "")
    if host is None or host.inner is not None or host.type == "callActivity":
        return
    loop = host.loop
    if loop is not None and (loop.one_event or loop.none_event or loop.complex_events):
        return
    if any(one.kind == "escalation" for one in node.definitions):
        yield Finding(node, f"nothing escalates inside {host.id}, which is of the type {host.type}")


# --- compensation -------------------------------------------------------------------------------------------------------
def _compensates(node: Node) -> bool:
    return any(one.kind == "compensate" for one in node.definitions)


@checks(COMPENSATION, "boundaryEvent")
def compensation_leads_to_a_handler(place: Place, node: Node) -> Findings:
    host = place.container.nodes.get(node.attached_to or "")
    if _compensates(node) and node.outgoing:
        yield Finding(node, "a sequence flow leaves a compensation event", "connect it by an association only")
    if _compensates(node) and host is not None and host.handler is None:
        yield Finding(node, "the compensation event is connected with no activity", "draw an association to the compensating activity")


@checks(COMPENSATION, *ACTIVITIES)
def handlers_stand_outside_the_flow(_: Place, node: Node) -> Findings:
    if node.for_compensation and (node.incoming or node.outgoing):
        yield Finding(node, "a compensating activity has no sequence flows", "connect it by an association only")


@checks(TWICE, *ACTIVITIES)
def one_handler_for_an_activity(_: Place, node: Node) -> Findings:
    found = [one for one in node.boundary if _compensates(one)]
    for one in found[1:]:
        yield Finding(one, f"{node.id} already has the compensation event {found[0].id}")


@checks(UNUSED_HANDLER, "container")
def handlers_are_connected(_: Place, container: Container) -> Findings:
    used = {node.handler for node in container.nodes.values()}
    for node in container.nodes.values():
        if node.for_compensation and node.id not in used:
            yield Finding(node, "the activity is for compensation, but no compensation event is connected with it")


@checks(NOTHING_TO_UNDO, "endEvent", "intermediateThrowEvent")
def what_is_compensated_can_be_undone(place: Place, node: Node) -> Findings:
    for definition, activity in _named_activities(place.container, node):
        if not _can_be_undone(activity):
            yield Finding(node, f"the activity {activity.id!r} has no compensation handler: nothing will happen", line=definition.line)


def _named_activities(container: Container, node: Node) -> Iterator[tuple[Definition, Node]]:
    for one in node.definitions:
        scope = next((c for c in container.enclosing() if one.activity in c.nodes), None) if one.kind == "compensate" and one.activity else None
        if scope is not None:
            yield one, scope.nodes[one.activity or ""]


def _can_be_undone(node: Node) -> bool:
    """By a handler of its own or, for subprocesses and called processes, by what is inside."""
    if node.handler is not None or node.type == "callActivity":
        return True
    inside = node.inner.nodes.values() if node.inner is not None else ()
    return any(_can_be_undone(one) or (one.type == "startEvent" and _compensates(one)) for one in inside)
