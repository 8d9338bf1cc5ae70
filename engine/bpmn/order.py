"""In which order things happen where the standard gives none: by ids, so that a tool that writes the same diagram in another order changes nothing.

Where it gives one, the order of the document counts: the conditions after an exclusive gateway (BPMN 2.0.2 section 13.4.2).
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.bpmn.diagram import Container, Definition, Flow

ENDINGS = {"error": 1, "cancel": 1, "terminate": 2}


def name_flows(flows: Iterable[Flow]) -> None:
    """Flows without an id are named by what they connect; no id in XML begins with `$`."""
    nameless: dict[str, list[Flow]] = {}
    for flow in flows:
        if not flow.id:
            nameless.setdefault(f"$flow {flow.source} {flow.target}", []).append(flow)
    for name, same in nameless.items():
        for number, flow in enumerate(sorted(same, key=lambda one: (one.text, one.name)), 1):
            flow.id = name if number == 1 else f"{name} {number}"


def settle(container: Container) -> None:
    """Flows of a node by the element at their other end."""
    for node in container.nodes.values():
        node.incoming.sort(key=lambda flow: (flow.source, flow.id))
        if node.type != "exclusiveGateway":
            node.outgoing.sort(key=lambda flow: (flow.target, flow.id))


def of_definitions(definitions: Iterable[Definition]) -> list[Definition]:
    """The triggers or results of one event; what ends a scope comes last, so that the others still happen."""
    return sorted(
        definitions, key=lambda one: (ENDINGS.get(one.kind, 0), one.kind, one.id, one.name, one.code or "", one.text, one.activity or "", one.waits)
    )
