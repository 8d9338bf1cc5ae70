"""Events in the flow: triggers, results, timers, links (BPMN 2.0.2 sections 10.5.1 to 10.5.5)."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.bpmn.diagram import Container, Definition, Node
from engine.bpmn.timers import looks_iso, planned, unquoted
from engine.bpmn.validation.reading import REFERENCE
from engine.bpmn.validation.rule import Finding, Findings, Place, checks, declare
from engine.errors import InvalidInput

A_DAY = datetime(2000, 1, 1, tzinfo=UTC)  # only to see whether a timer text can be read
ALLOWED = {
    "startEvent": {"message", "signal", "timer", "conditional"},
    "event subprocess": {"message", "signal", "timer", "conditional", "error", "escalation", "compensate"},
    "intermediateCatchEvent": {"message", "signal", "timer", "conditional", "link"},
    "intermediateThrowEvent": {"message", "signal", "escalation", "compensate", "link"},
    "endEvent": {"message", "signal", "error", "escalation", "cancel", "compensate", "terminate"},
    "boundaryEvent": {"message", "signal", "timer", "conditional", "error", "escalation", "cancel", "compensate"},
}
EVENTS = ("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent")

EVENT = declare("bpmn.event", "10.5.1", "The event definition is not complete", "Complete the event in the properties panel.")
END = declare("bpmn.end", "10.5.4", "The end event is not valid", "End events have no outgoing flow.")
CANCEL = declare("bpmn.cancel", "10.5.5", "Cancel events belong to transactions", "Put it into a transaction, or use an error event.")
TIMER = declare("bpmn.timer", "10.5.5", "The timer is not valid", "Set one time: a date, a duration such as PT2H, or a cycle.")
LINK = declare("bpmn.link", "10.5.5", "The link event has no counterpart", "Use one catching link of the same name in the same scope.")
LINK_UNUSED = declare(
    "bpmn.link-unused", "10.5.5", "No throwing link leads to this link event", "Add the throwing link event, or remove this one.", warning=True
)
ALWAYS_INTERRUPTS = declare(
    "bpmn.always-interrupts", "10.5.3", "This kind of event always interrupts", "Draw it as an interrupting event.", warning=True
)
CODE = declare(
    "bpmn.code", "10.5.5", "The thrown error or escalation has no code", "Choose an error or escalation, and give it a code.", warning=True
)
TRIGGERS = declare("bpmn.triggers", "10.5.5", "These triggers cannot stand together at one event", "Draw an event of its own for each of them.")
CANCEL_UNCAUGHT = declare(
    "bpmn.cancel-uncaught", "13.5.2", "Nothing catches the cancellation of the transaction", "Attach a cancel event to the transaction.", warning=True
)
START_TWICE = declare(
    "bpmn.start-twice", "10.5.2", "Two events of the process begin with the same message", "Keep one of them, or name two messages.", warning=True
)
PARALLEL_MULTIPLE = declare(
    "bpmn.parallel-multiple",
    "10.5.5",
    "A parallel multiple event needs at least two triggers",
    "Add a trigger, or make it a plain event.",
    warning=True,
)


@checks(EVENT, *EVENTS)
def triggers_stand_where_they_may(place: Place, node: Node) -> Findings:
    position = "event subprocess" if node.type == "startEvent" and place.container.triggered_by_event else node.type
    for one in node.definitions:
        if one.kind not in ALLOWED[position]:
            yield Finding(node, f"the {one.kind} event cannot be used here ({position})", "choose another event")


@checks(EVENT, *EVENTS)
def messages_and_signals_are_named(_: Place, node: Node) -> Findings:
    for one in node.definitions:
        if one.kind in ("message", "signal") and not one.name and not (one.kind == "message" and node.topic is not None):
            yield Finding(node, f"the {one.kind} event names no {one.kind}", f"choose a {one.kind}", one.line)


@checks(EVENT, "startEvent", "receiveTask", "intermediateCatchEvent")
def names_that_begin_a_process_are_fixed(place: Place, node: Node) -> Findings:
    """Nothing exists yet from which they could be computed."""
    gateways = (place.container.nodes[flow.source] for flow in node.incoming)
    begins = node.instantiate or node.type == "startEvent" or any(one.instantiate for one in gateways)
    for one in node.definitions if begins and place.container.holder is None else ():
        if one.kind in ("message", "signal") and one.computed_name:
            yield Finding(node, f"the name {one.name!r} of the {one.kind} that begins the process is an expression", "give it a fixed name", one.line)


@checks(EVENT, "intermediateCatchEvent")
def catching_events_wait_for_something(_: Place, node: Node) -> Findings:
    if not node.definitions:
        yield Finding(node, "the catching event waits for nothing", "choose what it waits for")


@checks(EVENT, "startEvent")
def processes_begin_by_one_event(place: Place, node: Node) -> Findings:
    if place.container.holder is None and node.parallel_multiple and len(node.definitions) > 1:
        advice = "use an instantiating event-based gateway of the type Parallel: the first event begins the instance, which awaits the others"
        yield Finding(node, "a process cannot wait for several events before there is an instance", advice)


@checks(TRIGGERS, "startEvent", "intermediateCatchEvent", "boundaryEvent")
def triggers_go_together(_: Place, node: Node) -> Findings:
    """A link takes the place of a flow, a compensation begins a handler: neither is waited for. Errors and escalations do not wait for others."""
    kinds = [one.kind for one in node.definitions]
    for kind in ("compensate", "link"):
        if kind in kinds and len(kinds) > 1:
            yield Finding(node, f"a {kind} trigger stands beside others, which would never happen")
    for kind in ("error", "escalation", "cancel"):
        if node.parallel_multiple and len(kinds) > 1 and kind in kinds:
            yield Finding(node, f"the event waits for all of its triggers, but the {kind} event cannot wait for the others")


@checks(END, "endEvent")
def nothing_leaves_an_end_event(_: Place, node: Node) -> Findings:
    if node.outgoing:
        yield Finding(node, "a sequence flow leaves an end event", "remove the flow, or use a throwing event instead of the end event")


@checks(CANCEL, "endEvent")
def cancel_ends_transactions(place: Place, node: Node) -> Findings:
    inside = any(one.holder is not None and one.holder.type == "transaction" for one in place.container.enclosing())
    if any(d.kind == "cancel" for d in node.definitions) and not inside:
        yield Finding(node, "a cancel end event belongs into a transaction")


@checks(CANCEL, "boundaryEvent")
def cancel_is_caught_at_transactions(place: Place, node: Node) -> Findings:
    host = place.container.nodes.get(node.attached_to or "")
    if host is not None and host.type != "transaction" and any(one.kind == "cancel" for one in node.definitions):
        yield Finding(node, "a cancel boundary event belongs to a transaction", "make the subprocess a transaction, or use an error event")


@checks(CANCEL_UNCAUGHT, "endEvent")
def cancellations_are_caught(place: Place, node: Node) -> Findings:
    holders = (one.holder for one in place.container.enclosing() if one.holder is not None and one.holder.type == "transaction")
    host = next(holders, None) if any(one.kind == "cancel" for one in node.definitions) else None
    if host is not None and not any(one.kind == "cancel" for boundary in host.boundary for one in boundary.definitions):
        yield Finding(node, f"the transaction {host.id} has no cancel boundary event: when it is cancelled, no way leads on")


@checks(TIMER, *EVENTS)
def timers_can_be_read(place: Place, node: Node) -> Findings:
    """That of a start event cannot be computed: nothing exists yet from which."""
    begins = node.type == "startEvent" and place.container.parent is None
    for one in node.definitions:
        text = unquoted(one.text) if begins else one.text
        if one.kind != "timer" or not text:
            continue
        if looks_iso(text):
            try:
                planned(one.form, text, A_DAY)
            except InvalidInput as exc:
                yield Finding(node, str(exc), "for example PT15M, 2026-12-31T08:00:00Z, R3/PT1H", one.line)
        elif begins:
            message = "the time at which instances start is fixed; it cannot be an expression"
            yield Finding(node, message, "write a date, a duration or a cycle", one.line)


@checks(REFERENCE, *EVENTS)
def what_is_compensated_exists(place: Place, node: Node) -> Findings:
    for one in node.definitions:
        if one.kind == "compensate" and one.activity and not any(one.activity in c.nodes for c in place.container.enclosing()):
            yield Finding(
                node, f"there is no activity {one.activity!r} to compensate", "choose an activity of this scope or of one around it", one.line
            )


# --- links ------------------------------------------------------------------------------------------------------------
def _links(node: Node) -> list[Definition]:
    return [one for one in node.definitions if one.kind == "link"]


@checks(LINK, "intermediateThrowEvent")
def throwing_links_have_a_target(_: Place, node: Node) -> Findings:
    for one in _links(node):
        if all(flow.drawn for flow in node.outgoing):
            yield Finding(node, f"there is no catching link event {one.name!r} in the same scope", "add one, and give both the same name")
        if any(flow.drawn for flow in node.outgoing):
            yield Finding(node, "a sequence flow leaves a throwing link event", "remove the flow: the link takes its place")


@checks(LINK, "intermediateCatchEvent")
def catching_links_take_the_place_of_a_flow(_: Place, node: Node) -> Findings:
    if _links(node) and any(flow.drawn for flow in node.incoming):
        yield Finding(node, "a sequence flow leads into a catching link event", "remove the flow: the link takes its place")


@checks(LINK, "container")
def catching_links_are_told_apart(_: Place, container: Container) -> Findings:
    names: set[str] = set()
    for node in container.nodes.values():
        for one in _links(node) if node.type == "intermediateCatchEvent" else ():
            if one.name in names and not one.sources:
                yield Finding(node, f"a second catching link event {one.name!r}", "link names are unique in a scope: rename one of the two")
            names.add(one.name)


@checks(LINK_UNUSED, "intermediateCatchEvent")
def catching_links_have_a_source(_: Place, node: Node) -> Findings:
    for one in _links(node):
        if all(flow.drawn for flow in node.incoming):
            yield Finding(node, f"there is no throwing link event {one.name!r} in the same scope")


# --- doubtful -----------------------------------------------------------------------------------------------------------
@checks(ALWAYS_INTERRUPTS, "boundaryEvent", "startEvent")
def errors_and_cancels_interrupt(place: Place, node: Node) -> Findings:
    if node.interrupting or (node.type == "startEvent" and not place.container.triggered_by_event):
        return
    for one in node.definitions:
        if one.kind in ("error", "cancel"):
            yield Finding(node, f"the {one.kind} event is drawn as not interrupting, but it interrupts", line=one.line)


@checks(START_TWICE, "container")
def messages_begin_in_one_place(_: Place, container: Container) -> Findings:
    if container.holder is not None:
        return
    seen: dict[str, str] = {}
    for node in sorted(container.nodes.values(), key=lambda one: one.id):
        begins = node.type == "startEvent" or (node.type == "receiveTask" and node.instantiate)
        for one in node.definitions if begins else ():
            if one.kind == "message" and seen.setdefault(one.name, node.id) != node.id:
                yield Finding(
                    node, f"the message {one.name!r} already begins the process at {seen[one.name]}; it will never begin here", line=one.line
                )


@checks(CODE, "endEvent", "intermediateThrowEvent")
def thrown_errors_have_a_code(_: Place, node: Node) -> Findings:
    for one in node.definitions:
        if one.kind in ("error", "escalation") and not one.code:
            what = f"the {one.kind} {one.name!r} that is thrown has no code" if one.name else f"the event names no {one.kind}"
            yield Finding(node, f"{what}; only an event for every {one.kind}{' or for this one' if one.name else ''} can catch it", line=one.line)


@checks(PARALLEL_MULTIPLE, "startEvent", "intermediateCatchEvent", "boundaryEvent")
def parallel_multiple_events_have_several_triggers(_: Place, node: Node) -> Findings:
    if node.parallel_multiple and len(node.definitions) == 1:
        yield Finding(node, "the event is marked parallel multiple and has a single trigger")
