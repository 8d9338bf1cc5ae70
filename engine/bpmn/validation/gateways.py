"""Gateways (BPMN 2.0.2 section 10.6), above all what may follow an event-based one (10.6.6)."""

from __future__ import annotations

from engine.bpmn.diagram import Node
from engine.bpmn.validation.rule import Finding, Findings, Place, checks, declare

EVENT_GATEWAY = declare(
    "bpmn.event-gateway", "10.6.6", "The event-based gateway is not valid", "Only catching events and receive tasks may follow it."
)
OUTGOING = declare(
    "bpmn.event-gateway-outgoing", "10.6.6", "An event-based gateway needs at least two outgoing flows",
    "Add the other event that may happen, or wait for the single one without a gateway.",
)  # fmt: skip
CONDITION = declare(
    "bpmn.event-gateway-condition", "10.6.6", "A flow behind an event-based gateway has a condition", "Remove the condition: the events decide."
)
TARGET = declare(
    "bpmn.event-gateway-target", "10.6.6", "Another flow leads to an event behind an event-based gateway",
    "Let the other flow lead to the gateway, or draw a second event for it.",
)  # fmt: skip
RECEIVE = declare(
    "bpmn.event-gateway-receive", "10.6.6", "A receive task does not fit behind this event-based gateway",
    "Use either message events or receive tasks behind one gateway, and no boundary events and loops on these tasks.",
)  # fmt: skip
PARALLEL = declare(
    "bpmn.event-gateway-parallel", "10.6.6", "Only an event-based gateway that begins a process can be parallel",
    "Make it exclusive, or put catching events behind a parallel gateway.",
)  # fmt: skip
INSTANTIATE = declare(
    "bpmn.event-gateway-instantiate", "10.6.6", "The event-based gateway cannot begin the process",
    "It stands at the beginning of a process, without incoming flows; otherwise remove its instantiate mark.",
)  # fmt: skip
ALWAYS_TAKEN = declare(
    "bpmn.condition-missing", "10.6.3", "A flow without condition is always taken", "Give it a condition, or make it the default flow.", warning=True
)
IDLE = declare(
    "bpmn.gateway-idle", "10.6", "The gateway neither splits nor joins", "Remove the gateway, or draw the flows that are missing.", warning=True
)
ACTIVATION = declare(
    "bpmn.activation", "10.6.5", "The complex gateway does not say when it fires", "Write its activationCondition, for example activationCount >= 2.",
    warning=True,
)  # fmt: skip
WAITS_FOR = {"message", "signal", "timer", "conditional"}


def _followers(place: Place, node: Node) -> list[Node]:
    return [place.container.nodes[flow.target] for flow in node.outgoing]


@checks(EVENT_GATEWAY, "eventBasedGateway")
def events_follow(place: Place, node: Node) -> Findings:
    for flow in node.outgoing:
        target = place.container.nodes[flow.target]
        good = target.type == "intermediateCatchEvent" or (target.type == "receiveTask" and target.definitions)
        if not good or any(d.kind not in WAITS_FOR for d in target.definitions):
            yield Finding(flow, "an event-based gateway must be followed by catching events or receive tasks")


@checks(OUTGOING, "eventBasedGateway")
def there_is_a_choice(_: Place, node: Node) -> Findings:
    if not node.outgoing:
        yield Finding(node, "no event follows the event-based gateway")
    elif len(node.outgoing) == 1:
        yield Finding(node, "only one event follows the event-based gateway")


@checks(CONDITION, "eventBasedGateway")
def events_decide_alone(_: Place, node: Node) -> Findings:
    for flow in node.outgoing:
        if flow.condition is not None:
            yield Finding(flow, f"sequence flow {flow.id} leaves an event-based gateway and has a condition")


@checks(TARGET, "eventBasedGateway")
def events_belong_to_one_gateway(place: Place, node: Node) -> Findings:
    for target in _followers(place, node):
        others = [flow.id for flow in target.incoming if flow.drawn and flow.source != node.id]
        if others:
            yield Finding(target, f"besides the event-based gateway {node.id} sequence flow {', '.join(others)} leads here")


@checks(RECEIVE, "eventBasedGateway")
def messages_are_received_in_one_way(place: Place, node: Node) -> Findings:
    targets = _followers(place, node)
    events = [one for one in targets if one.type == "intermediateCatchEvent" and any(d.kind == "message" for d in one.definitions)]
    for one in targets:
        if one.type == "receiveTask" and events:
            yield Finding(one, f"the receive task and the message event {events[0].id} follow the same event-based gateway")


@checks(RECEIVE, "eventBasedGateway")
def receive_tasks_carry_no_boundary_events(place: Place, node: Node) -> Findings:
    for one in _followers(place, node):
        if one.type == "receiveTask" and one.boundary:
            yield Finding(one, f"the receive task behind an event-based gateway has the boundary event {one.boundary[0].id}")


@checks(RECEIVE, "eventBasedGateway")
def receive_tasks_happen_once(place: Place, node: Node) -> Findings:
    for one in _followers(place, node):
        if one.type == "receiveTask" and one.loop is not None:
            yield Finding(
                one, "the receive task behind an event-based gateway is a loop or multi-instance: its first message already decides the way"
            )


@checks(PARALLEL, "eventBasedGateway")
def parallel_ones_instantiate(_: Place, node: Node) -> Findings:
    if node.parallel_events and not node.instantiate:
        yield Finding(node, "the event-based gateway is parallel but does not begin the process")


@checks(INSTANTIATE, "eventBasedGateway")
def instantiating_ones_begin_a_process(place: Place, node: Node) -> Findings:
    if node.instantiate and node.incoming:
        yield Finding(node, "a sequence flow leads into an instantiating event-based gateway")
    if node.instantiate and place.container.holder is not None:
        yield Finding(node, "an instantiating event-based gateway stands inside a subprocess")


# --- doubtful -----------------------------------------------------------------------------------------------------------
@checks(ALWAYS_TAKEN, "inclusiveGateway")
def inclusive_flows_have_conditions(_: Place, node: Node) -> Findings:
    for flow in node.outgoing if len(node.outgoing) > 1 else ():
        if flow.condition is None and not flow.default:
            yield Finding(flow, f"sequence flow {flow.id} has no condition and is not the default flow: it is always taken")


@checks(IDLE, "exclusiveGateway", "parallelGateway", "inclusiveGateway", "complexGateway")
def gateways_split_or_join(_: Place, node: Node) -> Findings:
    if not node.outgoing:
        yield Finding(node, "no sequence flow leaves the gateway: tokens end here")
    elif len(node.outgoing) == 1 and len(node.incoming) < 2 and node.outgoing[0].condition is None:
        yield Finding(node, "one sequence flow leads to the gateway and one leaves it")
    elif len(node.outgoing) == 1 and node.outgoing[0].condition is not None and node.type != "parallelGateway":
        yield Finding(node, "the only outgoing sequence flow has a condition: the instance stands here when it does not hold")


@checks(ACTIVATION, "complexGateway")
def complex_joins_say_when(_: Place, node: Node) -> Findings:
    if len(node.incoming) > 1 and node.activation is None:
        yield Finding(node, "without an activationCondition the first token activates the gateway")
