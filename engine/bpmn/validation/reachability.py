"""Which elements can a token ever come to (BPMN 2.0.2 section 13.2)? By the flows alone: values of variables are not looked at, except constants.

What only a search through states can show (deadlocks, missing joins) is the soundness check's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from engine.bpmn.diagram import Container, Flow, Node
from engine.bpmn.templates import source
from engine.bpmn.validation.rule import Finding, Findings, Place, checks, declare

UNREACHABLE = declare("bpmn.unreachable", "13.2", "No flow leads to this element", "Connect it, or remove it.", warning=True)
CONSTANT = declare(
    "bpmn.constant-condition", "10.6.2", "The condition is always the same", "Let it depend on a variable, or remove the gateway.", warning=True
)
DEAD_FLOW = declare(
    "bpmn.dead-flow", "10.6.2", "This flow is never taken", "Correct the conditions of the flows that leave the same element.", warning=True
)
WITHOUT_CHOICE = ("parallelGateway", "eventBasedGateway")  # conditions have no effect there


@checks(UNREACHABLE, "container")
def everything_is_reached(_: Place, container: Container) -> Findings:
    """Inside a subprocess from its own start; an unreachable subprocess stands for what is in it."""
    reached = reachable(container)
    for node in container.nodes.values():
        if node.id in reached:
            continue
        if node.type == "boundaryEvent" and node.attached_to not in container.nodes:
            continue  # refused already
        if node.for_compensation or any(one.kind == "link" for one in node.definitions if not node.incoming):
            continue  # rules of their own
        if not node.incoming:
            yield Finding(node, "no sequence flow leads to this element; it will never run", "connect it, or remove it")
        else:
            yield Finding(node, "no way from a start leads to this element; it will never run", "connect it with an element that runs, or remove it")


@checks(CONSTANT, "flow")
def conditions_depend_on_something(place: Place, flow: Flow) -> Findings:
    chooser = place.container.nodes[flow.source]
    if flow.condition is not None and not flow.default and chooser.type not in WITHOUT_CHOICE and _is_constant(source(flow.text)):
        yield Finding(flow, f"the condition {flow.condition!r} depends on no variable")


@checks(DEAD_FLOW, "node")
def every_flow_can_be_taken(_: Place, node: Node) -> Findings:
    for flow, reason in _never_taken(node):
        yield Finding(flow, f"sequence flow {flow.id} is never taken: {reason}")


# --- the graph ----------------------------------------------------------------------------------------------------------
def reachable(container: Container) -> set[str]:
    """Ids of the nodes of this container (not of its subprocesses) that a token can come to."""
    if container.ad_hoc is not None:
        begin = [node for node in container.nodes.values() if not node.incoming]  # offered to the performers, all of them
    else:
        begin = [*container.starts(), *(node for node in container.nodes.values() if node.instantiate and not node.incoming)]
    begin += [node for node in container.nodes.values() if node.inner is not None and node.inner.triggered_by_event]
    reached: set[str] = set()
    open_nodes = [node.id for node in begin if node.type != "boundaryEvent"]
    while open_nodes:
        key = open_nodes.pop()
        if key not in reached:
            reached.add(key)
            open_nodes += _next(container.nodes[key])
    return reached


def _next(node: Node) -> Iterator[str]:
    dead = {flow.id for flow, _ in _never_taken(node)}
    yield from (flow.target for flow in node.outgoing if flow.id not in dead)
    yield from (one.id for one in node.boundary)
    if node.handler is not None:
        yield node.handler


def _never_taken(node: Node) -> Iterator[tuple[Flow, str]]:
    """Flows ruled out by constants: a false condition, the default or (exclusive) a later one beside a true condition."""
    if node.type in WITHOUT_CHOICE:
        return
    certain: Flow | None = None
    for flow in node.outgoing:
        if flow.default or flow.condition is None:
            continue
        if certain is not None and node.type == "exclusiveGateway":
            yield flow, f"{certain.id} before it always holds"
        elif _value(source(flow.text)) is False:
            yield flow, f"its condition {flow.condition!r} never holds"
        elif _value(source(flow.text)) is True:
            certain = certain or flow
    if certain is not None:
        yield from ((flow, f"{certain.id} always holds") for flow in node.outgoing if flow.default)


# --- constants ----------------------------------------------------------------------------------------------------------
def _is_constant(text: str) -> bool:
    """Are there neither names nor calls in it? A text that cannot be read has a rule of its own."""
    if _value(text) is not None:
        return True
    try:
        return not any(isinstance(one, (ast.Name, ast.Call)) for one in ast.walk(ast.parse(text.strip(), mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _value(text: str) -> bool | None:
    """True or False for the literals, in the spelling of any of the languages; None for everything else."""
    return {"true": True, "false": False}.get(text.strip().lower())
